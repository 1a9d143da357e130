package systemd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
)

// Bounds of a reading of the journal. A reading takes about 10 ms, and longer on
// a journal of gigabytes; 500 lines of 2 KiB fit into a mebibyte.
const (
	journalTimeout = 10 * time.Second
	journalBytes   = 1 << 20
)

// entry is one line of the journal: systemd.journal-fields(7).
type entry struct {
	Real       micros `json:"__REALTIME_TIMESTAMP"`
	Mono       micros `json:"__MONOTONIC_TIMESTAMP"`
	Message    text   `json:"MESSAGE"`
	MessageID  string `json:"MESSAGE_ID"`
	Identifier text   `json:"SYSLOG_IDENTIFIER"`
	JobType    string `json:"JOB_TYPE"`
	JobResult  string `json:"JOB_RESULT"`
	Invocation string `json:"INVOCATION_ID"`
}

// entryFields are the fields that are asked for; the timestamps always come.
const entryFields = "MESSAGE,MESSAGE_ID,SYSLOG_IDENTIFIER,JOB_TYPE,JOB_RESULT,INVOCATION_ID"

// micros is a time in microseconds, which the journal writes as a string.
type micros uint64

func (m *micros) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseUint(strings.Trim(string(data), `"`), 10, 64)
	*m = micros(n)
	return err
}

// text is a field that any program may have written: a string; an array of bytes
// where it is not printable; null where it is longer than 4 KiB; an array of
// strings where it was given twice.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var line string
	var bytes []int
	var several []string
	switch {
	case string(data) == "null":
		*t = "(a line too long to show)"
	case json.Unmarshal(data, &line) == nil:
		*t = text(line)
	case json.Unmarshal(data, &several) == nil:
		*t = text(strings.Join(several, " "))
	case json.Unmarshal(data, &bytes) == nil:
		*t = fromBytes(bytes)
	}
	return nil
}

func fromBytes(numbers []int) text {
	raw := make([]byte, len(numbers))
	for i, n := range numbers {
		raw[i] = byte(n)
	}
	return text(raw)
}

// readJournal reads the last lines that the arguments select, oldest first.
func readJournal(ctx context.Context, lines int, args ...string) ([]entry, error) {
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	fixed := []string{"--output=json", "--output-fields=" + entryFields, "--no-pager", "--lines=" + strconv.Itoa(lines)}
	cmd := exec.CommandContext(ctx, "journalctl", append(fixed, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	cmd.WaitDelay = time.Second
	out, complaint := &capped{most: journalBytes}, &capped{most: 1 << 10}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	entries, decodeErr := decodeEntries(out.kept.Bytes())
	// Without the right to read it shows what there is, be it nothing, and says
	// so on standard error; newer ones fail.
	if err != nil || len(entries) == 0 && complaint.kept.Len() > 0 {
		why := remediate.Brief(complaint.kept.String())
		return nil, fmt.Errorf("cannot read the journal, is user %s in group systemd-journal? %w: %s", userName(), cmp.Or(err, errNothingShown), why)
	}
	return entries, decodeErr
}

var errNothingShown = errors.New("journalctl showed nothing")

// decodeEntries reads one entry a line. Lines for people ("-- No entries --") and
// a last line that was cut off are left out.
func decodeEntries(lines []byte) ([]entry, error) {
	var entries []entry
	for line := range bytes.Lines(lines) {
		if line[len(line)-1] != '\n' {
			break
		}
		if bytes.HasPrefix(line, []byte("-- ")) {
			continue
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("cannot read a line of the journal: %w", err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// capped keeps the first bytes that are written to it and drops the rest. (It
// has a buffer, and is none: one's ReadFrom would go around the cap.)
type capped struct {
	most int
	kept bytes.Buffer
}

func (c *capped) Write(p []byte) (int, error) {
	c.kept.Write(p[:min(len(p), max(0, c.most-c.kept.Len()))])
	return len(p), nil
}
