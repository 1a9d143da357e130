package link

import (
	"net"
	"reflect"
	"strings"
	"testing"
)

func netPipe() (Stream, net.Conn) { a, b := net.Pipe(); return a, b }

// wrong are lines that are no messages, and what is said of them.
var wrong = map[string]string{
	`{"v":1`:                          "cannot read the line",
	`{"v":1,"status":{},"status":{}}`: "duplicate",
	`{"status":{}}`:                   "expected version 1, found 0",
	`{"v":1}`:                         "exactly one",
	`{"v":1,"done":{"id":"a"},"stand_aside":{"id":"a","ms":1,"reason":""}}`:                               "exactly one",
	`{"v":1,"status":{"version":"v","host":"h","epoch":"e","mode":"root"}}`:                               "status.mode",
	`{"v":1,"status":{"version":"v","host":"h","epoch":"e","mode":"act","escalated":-1}}`:                 "status.escalated",
	`{"v":1,"status":{"version":"v","host":"","epoch":"e","mode":"act"}}`:                                 "status.host",
	`{"v":1,"status":{"version":"v","host":"a b","epoch":"e","mode":"act"}}`:                              "status.host",
	`{"v":1,"status":{"version":"` + strings.Repeat("v", 129) + `","host":"h","epoch":"e","mode":"act"}}`: "status.version",
	`{"v":1,"stand_aside":{"id":"a","ms":0,"reason":""}}`:                                                 "stand_aside.ms",
	`{"v":1,"stand_aside":{"id":"a","ms":3600001,"reason":""}}`:                                           "stand_aside.ms",
	`{"v":1,"stand_aside":{"id":"a","ms":1,"reason":"\u001b[2J"}}`:                                        "stand_aside.reason",
	`{"v":1,"done":{"id":""}}`: "done.id",
}

func TestWhatIsNoMessageIsSaidSo(t *testing.T) {
	for line, want := range wrong {
		if _, err := decode([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestANewerPeerMaySayMore(t *testing.T) {
	m, err := decode([]byte(`{"v":1,"since":4,"status":{"version":"v2","host":"h","epoch":"e","mode":"act","load":[1,2]}}` + "\n"))
	if err != nil || m.Status.Version != "v2" {
		t.Errorf("%+v, %v", m.Status, err)
	}
}

func FuzzDecode(f *testing.F) {
	for line := range wrong {
		f.Add([]byte(line))
	}
	for _, m := range []message{
		{Status: &Status{Version: "v1", Host: "h", Epoch: "e", Mode: "act"}},
		{Order: &order{ID: "a", Millis: 1, Reason: `"\é`}}, {Done: &done{ID: "a", Error: "why"}},
	} {
		line, err := encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := decode(line)
		if err != nil {
			return
		}
		again, err := encode(m)
		if err != nil {
			t.Fatalf("%+v was read and can't be written: %v", m, err)
		}
		if len(again) > MaxLine/3 {
			t.Fatalf("%d bytes: a line of ours is below a third of %d", len(again), MaxLine)
		}
		back, err := decode(again)
		if err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%+v came back as %+v, %v", m, back, err)
		}
	})
}
