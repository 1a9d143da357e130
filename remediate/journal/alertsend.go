package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// alertsEnd is the file journal.alerts: the position of the last stored batch,
// so that a stream that lost its end is found out. It is written and not synced:
// it is right after a kill, and after a power cut it may be behind, which says
// nothing wrong.
type alertsEnd struct{ file *os.File }

func openAlertsEnd(dir string) (*alertsEnd, error) {
	file, err := os.OpenFile(filepath.Join(dir, "journal.alerts"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot open journal.alerts: %w", err)
	}
	return &alertsEnd{file}, nil
}

// write notes a position. That it can't be noted must not fail a batch that is
// stored.
func (e *alertsEnd) write(position uint64) {
	_, _ = e.file.WriteAt(fmt.Appendf(nil, "%020d\n", position), 0)
}

// read is the position that was noted, 0 when there is none that can be read.
func (e *alertsEnd) read() uint64 {
	text := make([]byte, 21)
	if _, err := e.file.ReadAt(text, 0); err != nil {
		return 0
	}
	position, err := strconv.ParseUint(strings.TrimRight(string(text), "\n"), 10, 64)
	if err != nil {
		return 0
	}
	return position
}

func (e *alertsEnd) close() error { return e.file.Close() }
