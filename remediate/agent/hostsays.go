package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/oklog/ulid/v2"
)

// hostTold is what the host of a virtual machine says to each start of it.
type hostTold struct {
	// epoch is the start's name, a ULID; empty where no host says anything.
	epoch string
	// keep are the serial numbers of the disks that no rollback takes back.
	keep []string
}

const (
	// epochCredential is the credential that holds it: "ULID keep=SERIAL,…".
	epochCredential = "nightshift.epoch"
	// smbiosCredential begins the string of SMBIOS type 11 that systemd makes a
	// credential of: systemd.system-credentials(7).
	smbiosCredential = "io.systemd.credential:" + epochCredential + "="
)

// errNotTold says that a host is there, by its port, and gave this start no epoch
// that could be read.
var errNotTold = errors.New("the host names no start of it: have QEMU pass live/smbios (-smbios type=11,path=), and the unit hand it on (LoadCredential=" + epochCredential + ")")

// hostSays reads what the host says: from the credential, or where systemd hands on
// none, from SMBIOS itself, which only root can read.
func hostSays(h Hardware) (hostTold, error) {
	text, err := credential(h.Credentials)
	if text == "" && err == nil {
		text = smbiosString(h.Sys)
	}
	if text == "" && err == nil {
		err = errNotTold
	}
	if err != nil {
		return hostTold{}, err
	}
	return parseTold(text)
}

// credential reads the one that systemd handed on; empty if it did not.
func credential(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	text, err := os.ReadFile(filepath.Join(dir, epochCredential))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the credential %s: %w", epochCredential, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// smbiosString finds ours among the OEM strings; empty if it is not there, or can't
// be read.
func smbiosString(sys string) string {
	entries, _ := filepath.Glob(filepath.Join(sys, "firmware/dmi/entries/11-*/raw")) // the pattern is right
	for _, entry := range entries {
		raw, err := os.ReadFile(entry)
		if err != nil {
			continue
		}
		for _, text := range smbiosStrings(raw) {
			if told, ok := strings.CutPrefix(text, smbiosCredential); ok {
				return strings.TrimSpace(told)
			}
		}
	}
	return ""
}

// smbiosStrings are the strings of a structure of SMBIOS: its second byte is the
// length of what stands before them, each ends with a zero, the last with two
// (DMTF DSP0134, Text strings).
func smbiosStrings(raw []byte) []string {
	if len(raw) < 2 || int(raw[1]) > len(raw) {
		return nil
	}
	var all []string
	for text := range bytes.SplitSeq(raw[raw[1]:], []byte{0}) {
		all = append(all, string(text))
	}
	return all
}

// parseTold reads "ULID keep=SERIAL,…". Words that it does not know are a newer
// host's.
func parseTold(text string) (hostTold, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return hostTold{}, errNotTold
	}
	if _, err := ulid.ParseStrict(words[0]); err != nil {
		return hostTold{}, fmt.Errorf("cannot use %s: expected a ULID first, found %.40q", epochCredential, words[0])
	}
	told := hostTold{epoch: words[0]}
	for _, word := range words[1:] {
		if serials, ok := strings.CutPrefix(word, "keep="); ok {
			told.keep = strings.FieldsFunc(serials, func(r rune) bool { return r == ',' })
		}
	}
	return told, nil
}
