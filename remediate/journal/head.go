package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// Head is where a log ends: the file journal.head says it even when the log's
// own end was lost.
type Head struct {
	// Epoch is the epoch's ULID.
	Epoch string
	// N counts the events of the host, from 1, over all epochs.
	N uint64
	// Hash is the SHA-256 of the last event as it was stored, in hex.
	Hash string
}

// headFormat has a constant length, so that writing it anew changes no metadata
// that a sync would have to write too, and stays within one sector, which a
// disk writes whole. The sum at its end is CRC-32 of what stands before it.
const (
	headFormat = "nightshift 1 %26s %020d %64s"
	headLength = len("nightshift 1 ") + 26 + 1 + 20 + 1 + 64 + len(" 01234567\n")
)

func (h Head) encode() []byte {
	text := fmt.Sprintf(headFormat, h.Epoch, h.N, h.Hash)
	return fmt.Appendf(nil, "%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func decodeHead(text []byte) (Head, error) {
	var h Head
	if len(text) != headLength {
		return h, fmt.Errorf("cannot read journal.head: it has %d bytes, expected %d", len(text), headLength)
	}
	if _, err := fmt.Sscanf(string(text), "nightshift 1 %s %d %s", &h.Epoch, &h.N, &h.Hash); err != nil {
		return Head{}, fmt.Errorf("cannot read journal.head: %w", err)
	}
	if !bytes.Equal(h.encode(), text) {
		return Head{}, errors.New("cannot read journal.head: its sum does not match")
	}
	return h, nil
}

// readHead reads the head; ok is false when there is none yet.
func readHead(dir string) (h Head, ok bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "journal.head"))
	if errors.Is(err, os.ErrNotExist) || err == nil && len(text) == 0 {
		return Head{}, false, nil
	}
	if err != nil {
		return Head{}, true, fmt.Errorf("cannot read journal.head: %w", err)
	}
	h, err = decodeHead(text)
	return h, true, err
}

// headFile writes the head.
type headFile struct {
	file *os.File
	// late is whether the last write was not synced.
	late bool
}

func openHead(dir string) (*headFile, error) {
	file, err := os.OpenFile(filepath.Join(dir, "journal.head"), os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot open journal.head: %w", err)
	}
	return &headFile{file: file}, nil
}

// note writes h, so that it survives this process. A power cut may leave the one
// before, until the next sync or until the system writes by itself, which is
// within 30 s (vm.dirty_expire_centisecs in proc_sys_vm(5)).
func (f *headFile) note(h Head) error {
	if _, err := f.file.WriteAt(h.encode(), 0); err != nil {
		return fmt.Errorf("cannot write journal.head: %w", err)
	}
	f.late = true
	return nil
}

// write makes h durable before it returns.
func (f *headFile) write(h Head) error {
	if err := f.note(h); err != nil {
		return err
	}
	return f.sync()
}

// mark writes h, and makes it durable if that is wanted.
func (f *headFile) mark(h Head, firm bool) error {
	if firm {
		return f.write(h)
	}
	return f.note(h)
}

func (f *headFile) sync() error {
	if err := unix.Fdatasync(int(f.file.Fd())); err != nil {
		return fmt.Errorf("cannot write journal.head: %w", err)
	}
	f.late = false
	return nil
}

func (f *headFile) close() error {
	var err error
	if f.late {
		err = f.sync()
	}
	return errors.Join(err, f.file.Close())
}

// firm reports whether the head is synced with an event, and not only written.
//
// The event itself is durable either way: the stream is synced with each. The
// head is the second witness, for a disk that loses the end of the log all the
// same. It may lag behind only over events that nothing outside rests on: were
// they lost together with a power cut, the agent would decide them again from the
// same alerts, and act no second time. All else moves a line that must not be
// crossed twice: an intent is followed by its effect, a receipt says how to undo
// it, an end or an escalation takes from the agent what it might do, and a
// person's word was answered as heard.
func firm(event remediate.Event) bool {
	switch event.Type {
	case remediate.IncidentOpened:
		return event.Opened != nil && event.Opened.Asked != nil // by a person
	case remediate.IncidentJoined, remediate.IncidentPlanned, remediate.IncidentJudged, remediate.IncidentWaiting,
		remediate.EvidenceGathered, remediate.VerifyStarted, remediate.IncidentProbed, remediate.VerifyFinished,
		remediate.AlertsRead:
		return false
	}
	return true
}
