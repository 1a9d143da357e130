package journal

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"nightshift/remediate"
)

const (
	// packAbove is the length from which a snapshot is compressed: below it a
	// person can read it in the log, and the time is not worth it.
	packAbove = 64 << 10
	// unpackLimit bounds what a packed snapshot may become: 64 MiB is the memory
	// that an agent with a million events may use.
	unpackLimit = 64 << 20
)

// pack puts a snapshot into an event's data.
func (d *data) pack(snapshot []byte) error {
	if len(snapshot) <= packAbove {
		d.Snapshot = remediate.RawJSON(snapshot)
		return nil
	}
	if len(snapshot) > unpackLimit { // a start could not read it
		return fmt.Errorf("cannot pack a snapshot of %d bytes: expected at most %d", len(snapshot), unpackLimit)
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("cannot pack a snapshot: %w", err)
	}
	if _, err := w.Write(snapshot); err != nil {
		return fmt.Errorf("cannot pack a snapshot: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("cannot pack a snapshot: %w", err)
	}
	d.Packed = packed.Bytes()
	return nil
}

// unpack is the snapshot of an event's data; nil when it holds none.
func (d *data) unpack() ([]byte, error) {
	if d.Packed == nil {
		return d.Snapshot, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(d.Packed))
	if err != nil {
		return nil, fmt.Errorf("cannot unpack a snapshot: %w", err)
	}
	snapshot, err := io.ReadAll(io.LimitReader(r, unpackLimit+1))
	if err != nil {
		return nil, fmt.Errorf("cannot unpack a snapshot: %w", err)
	}
	if len(snapshot) > unpackLimit {
		return nil, fmt.Errorf("cannot unpack a snapshot: it is longer than %d bytes", unpackLimit)
	}
	return snapshot, nil
}
