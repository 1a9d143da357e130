package agent

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// oemStrings is a structure of SMBIOS type 11 as QEMU writes it: type, length,
// handle, how many strings; then those.
func oemStrings(texts ...string) string {
	return "\x0b\x05\x00\x0e" + string(rune(len(texts))) + strings.Join(texts, "\x00") + "\x00\x00"
}

func TestTheHostSaysWhichStartItIs(t *testing.T) {
	told := hostTold{epoch: firstStart, keep: []string{"data", "db"}}
	for name, c := range map[string]struct {
		credential string
		smbios     []string
		want       hostTold
		err        string
	}{
		"a credential":             {credential: firstStart + " keep=data,db\n", want: told},
		"SMBIOS":                   {smbios: []string{"a vendor's", smbiosCredential + firstStart + " keep=data,db"}, want: told},
		"SMBIOS with a line's end": {smbios: []string{smbiosCredential + firstStart + " keep=data,db\n"}, want: told},
		"the credential first":     {credential: firstStart, smbios: []string{smbiosCredential + secondStart}, want: hostTold{epoch: firstStart}},
		"nothing is kept":          {credential: firstStart + " keep=", want: hostTold{epoch: firstStart, keep: []string{}}},
		"a newer host":             {credential: firstStart + " colour=red keep=data,db", want: told},
		"no host":                  {smbios: []string{"a vendor's"}, err: "names no start"},
		"not a ULID":               {credential: "7", err: `expected a ULID first, found "7"`},
	} {
		t.Run(name, func(t *testing.T) {
			h := Hardware{Credentials: t.TempDir(), Sys: t.TempDir()}
			if c.credential != "" {
				put(t, filepath.Join(h.Credentials, epochCredential), c.credential)
			}
			if c.smbios != nil {
				put(t, filepath.Join(h.Sys, "firmware/dmi/entries/11-0/raw"), oemStrings(c.smbios...))
			}
			got, err := hostSays(h)
			if c.err == "" && (err != nil || !reflect.DeepEqual(got, c.want)) {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
}

func FuzzSMBIOS(f *testing.F) {
	f.Add([]byte(oemStrings(smbiosCredential + firstStart)))
	f.Add([]byte("\x0b\xff"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, text := range smbiosStrings(raw) {
			if told, err := parseTold(text); err == nil && len(told.epoch) != len(firstStart) {
				t.Errorf("%q is no epoch", told.epoch)
			}
		}
	})
}
