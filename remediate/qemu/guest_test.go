package qemu

import "testing"

func TestAStartTellsTheGuestWhichDisksStay(t *testing.T) {
	for want, keep := range map[string][]string{
		"io.systemd.credential:nightshift.epoch=01A":              nil,
		"io.systemd.credential:nightshift.epoch=01A keep=data":    {"data"},
		"io.systemd.credential:nightshift.epoch=01A keep=data,db": {"data", "db"},
	} {
		if got := string(toldGuest("01A", keep)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
