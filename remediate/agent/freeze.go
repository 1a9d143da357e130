package agent

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"nightshift/remediate"
	"nightshift/remediate/journal"
)

// frozenByFile reads whether one of the files freezes the agent. A file that is
// there and can't be read freezes too: somebody wanted it.
func frozenByFile(now func() remediate.Instant, paths ...string) func() *remediate.Freeze {
	return func() *remediate.Freeze {
		for _, path := range paths {
			info, err := os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			freeze := &remediate.Freeze{By: "file", Reason: path, At: now()}
			if err == nil {
				freeze.At = remediate.Instant{Wall: info.ModTime().UTC()}
				freeze.Reason = path + reasonIn(path)
			}
			return freeze
		}
		return nil
	}
}

// orByDamage freezes also by a damaged journal, from the moment that it is known:
// some of it is found only when alerts are read, or when a person verifies.
func orByDamage(damage func() *journal.Damage, now func() remediate.Instant, byFile func() *remediate.Freeze) func() *remediate.Freeze {
	var known atomic.Pointer[remediate.Instant] // one freeze, and not another each time that it is asked for
	return func() *remediate.Freeze {
		d := damage()
		if d == nil {
			known.Store(nil)
			return byFile()
		}
		at := now()
		if !known.CompareAndSwap(nil, &at) {
			if first := known.Load(); first != nil {
				at = *first
			}
		}
		return &remediate.Freeze{By: "nightshift", Reason: remediate.Brief(d.Error()), At: at, Damage: true}
	}
}

// reasonIn is what a freeze file says, in a form that can be shown.
func reasonIn(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 512))
	if err != nil || len(text) == 0 {
		return ""
	}
	return ": " + remediate.Brief(string(text))
}
