package qemu

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nightshift/remediate"
)

// Record is what is known of a promoted checkpoint. Root writes it.
type Record struct {
	Name  string          `json:"name"`
	Taken time.Time       `json:"taken"`
	Grade remediate.Grade `json:"grade,omitzero"`
	// Of is the digest of the checkpoint that it was made of.
	Of    string              `json:"of"`
	Disks map[string]GoodDisk `json:"disks"`
	// PromotedBy names the user on whose behalf, as the unit was told.
	PromotedAt time.Time `json:"promotedAt"`
	PromotedBy string    `json:"promotedBy,omitzero"`
}

// GoodDisk is one file of a promoted checkpoint.
type GoodDisk struct {
	File   string `json:"file"`
	Format string `json:"format"`
	// Size is its length in bytes, MTime its last change in nanoseconds since 1970,
	// SHA256 of all of it in hex.
	Size   int64  `json:"size"`
	MTime  int64  `json:"mtime"`
	SHA256 string `json:"sha256"`
}

// Digest identifies the promoted disks: not the grade, which may rise, nor who
// promoted it.
func (r Record) Digest() string {
	text, _ := json.Marshal(struct {
		Name  string
		Taken int64
		Disks map[string]GoodDisk
	}{r.Name, r.Taken.UnixNano(), r.Disks})
	return digest(string(text))
}

// nameBytes bounds the file that holds a name.
const nameBytes = 128

// lastKnownGood is the name of the checkpoint that is.
func (p place) lastKnownGood() (string, error) {
	f, info, err := open(p.pointer())
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("no checkpoint was promoted yet: there is no last-known-good")
	}
	if err != nil {
		return "", fmt.Errorf("cannot read which checkpoint is the last-known-good: %w", err)
	}
	defer f.Close()
	if err := rootOnly(p.pointer(), info); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, nameBytes))
	if err != nil {
		return "", fmt.Errorf("cannot read which checkpoint is the last-known-good: %w", err)
	}
	name := strings.TrimSpace(string(text))
	if err := CheckName(name); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", p.pointer(), err)
	}
	return name, nil
}

// rootOnly refuses what somebody else than root could have written.
func rootOnly(path string, info fs.FileInfo) error {
	if ownerOf(info) != 0 || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("cannot believe %s: it belongs to user %d with mode %#o; expected root's, writable by nobody else", path, ownerOf(info), info.Mode().Perm())
	}
	return nil
}

// record reads the record of a promoted checkpoint and looks whether its files are
// those that were promoted, as far as that costs nothing: length, time, owner and
// mode. [VM.Verify] reads them whole.
func (p place) record(name string, disks []string) (Record, error) {
	var r Record
	info, err := os.Stat(p.good())
	if err == nil {
		err = rootOnly(p.good(), info)
	}
	if err == nil {
		err = believed(0).readJSON(p.good(name+".json"), &r)
	}
	if err != nil {
		return r, err
	}
	if r.Name != name {
		return r, fmt.Errorf("cannot use %s: it is the record of %q", p.good(name+".json"), r.Name)
	}
	for _, disk := range disks {
		if err := p.checkGood(r, disk); err != nil {
			return r, err
		}
	}
	return r, nil
}

// checkGood looks whether a file is still the one that was promoted.
func (p place) checkGood(r Record, disk string) error {
	d, ok := r.Disks[disk]
	if !ok || d.File != goodFile(r.Name, disk) {
		return fmt.Errorf("cannot use the checkpoint %s: it was promoted without disk %s", r.Name, disk)
	}
	all, err := p.chain(p.good(d.File))
	if err != nil {
		return err
	}
	switch i := all[0]; {
	case i.Backing != "":
		return fmt.Errorf("cannot use the image %s: it lies on %s; expected one that stands alone", i.Path, i.Backing)
	case i.Owner != 0 || i.Writable:
		return fmt.Errorf("cannot use the image %s: expected root's and read-only (mode 0444)", i.Path)
	case i.Bytes != d.Size || i.MTime != d.MTime:
		return fmt.Errorf("cannot use the image %s: it changed since it was promoted (length %d, then %d)", i.Path, i.Bytes, d.Size)
	}
	return nil
}

func goodFile(name, disk string) string { return name + "." + disk + ".qcow2" }

// goods are the records of all promoted checkpoints whose files are as promoted; the
// errors are joined.
func (p place) goods(disks []string) ([]Record, error) {
	paths, err := filepath.Glob(p.good("*.json"))
	if err != nil {
		return nil, err
	}
	var all []Record
	var wrong []error
	for _, path := range paths {
		r, err := p.record(strings.TrimSuffix(filepath.Base(path), ".json"), disks)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, r)
	}
	return all, errors.Join(wrong...)
}

// Verify reads a promoted checkpoint whole, and returns an error unless it is what was
// promoted. progress, which may be nil, is told of bytes.
func (v *VM) Verify(ctx context.Context, name string, progress func(done, total int64)) error {
	if err := CheckName(name); err != nil {
		return err
	}
	r, err := v.place.record(name, v.goBack())
	if err != nil {
		return err
	}
	return v.place.verify(ctx, r, progress)
}

func (p place) verify(ctx context.Context, r Record, progress func(done, total int64)) error {
	t := tally{tell: progress}
	for _, d := range r.Disks {
		t.total += d.Size
	}
	for _, d := range r.Disks {
		f, _, err := open(p.good(d.File))
		if err != nil {
			return fmt.Errorf("cannot verify the checkpoint %s: %w", r.Name, err)
		}
		sum, err := t.copy(ctx, io.Discard, f)
		f.Close()
		switch {
		case err != nil:
			return fmt.Errorf("cannot verify %s: %w", p.good(d.File), err)
		case sum != d.SHA256:
			return fmt.Errorf("cannot use the image %s: its SHA-256 is %s and it was promoted with %s", p.good(d.File), sum, d.SHA256)
		}
	}
	return nil
}

// tally tells how far something long has come.
type tally struct {
	done, total int64
	tell        func(done, total int64)
}

func (t *tally) add(n int64) {
	t.done = min(t.done+n, t.total)
	if t.tell != nil {
		t.tell(t.done, t.total)
	}
}

// copy copies until ctx ends, and returns the SHA-256 of what was copied.
func (t *tally) copy(ctx context.Context, to io.Writer, from io.Reader) (string, error) {
	sum, piece := sha256.New(), make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, err := from.Read(piece)
		sum.Write(piece[:n])
		if _, err := to.Write(piece[:n]); err != nil {
			return "", err
		}
		t.add(int64(n))
		if err == io.EOF {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", ctx.Err()
}
