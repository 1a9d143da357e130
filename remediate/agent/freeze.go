package agent

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"nightshift/remediate"
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
