package guest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

// Behaviour is what an image does once it is started.
type Behaviour string

// The behaviours: a closed list.
const (
	Healthy   Behaviour = "healthy"   // serves until it is told to power down
	Unhealthy Behaviour = "unhealthy" // serves, but answers 500
	NoBoot    Behaviour = "noboot"    // its kernel panics before anything is served
	Crash     Behaviour = "crash"     // serves, then its kernel panics
	Hang      Behaviour = "hang"      // serves, then answers nothing, nor the power button
)

var behaviours = []Behaviour{Healthy, Unhealthy, NoBoot, Crash, Hang}

// Image is what a system disk says of itself.
type Image struct {
	Name      string    `json:"image"`
	Behaviour Behaviour `json:"behaviour"`
	// After is how long Crash and Hang serve before they do; 0 means not at all.
	After time.Duration `json:"after,omitzero"`
}

// A disk is a header block of JSON and a block that begins with a counter.
// Blocks are a page, which is what a disk writes at once.
const (
	block    = 4096
	diskSize = 4 << 20
)

// ReadImage reads a system disk's header.
func ReadImage(disk io.ReaderAt) (Image, error) {
	header := make([]byte, block)
	if _, err := disk.ReadAt(header, 0); err != nil {
		return Image{}, fmt.Errorf("cannot read the system disk: %w", err)
	}
	var i Image
	if err := json.Unmarshal(bytes.TrimRight(header, "\x00"), &i); err != nil {
		return Image{}, fmt.Errorf("cannot understand the system disk's header: %w", err)
	}
	return i, i.check()
}

func (i Image) check() error {
	if i.Name == "" || !slices.Contains(behaviours, i.Behaviour) {
		return fmt.Errorf("cannot use image %q with behaviour %q: want a name, and one of %q", i.Name, i.Behaviour, behaviours)
	}
	return nil
}

// ReadCount reads a disk's counter.
func ReadCount(disk io.ReaderAt) (uint64, error) {
	var counter [8]byte
	_, err := disk.ReadAt(counter[:], block)
	return binary.LittleEndian.Uint64(counter[:]), err
}

// WriteCount sets a disk's counter.
func WriteCount(disk io.WriterAt, n uint64) error {
	_, err := disk.WriteAt(binary.LittleEndian.AppendUint64(nil, n), block)
	return err
}

// Tool is where images are made: how its programs are run, and where this
// process finds its files. The zero value is the machine that this runs on,
// with qemu-img on the PATH; a world's is Tool{w.Exec, w.Path}.
type Tool struct {
	Exec func(ctx context.Context, argv ...string) (string, error)
	Path func(path string) string
}

// MakeImage writes a system disk as a qcow2 that has no backing file.
func MakeImage(ctx context.Context, path string, i Image) error {
	return Tool{}.MakeImage(ctx, path, i)
}

// MakeData writes a data disk whose counter is 0.
func MakeData(ctx context.Context, path string) error { return Tool{}.MakeData(ctx, path) }

// MakeImage is the function of that name with this tool.
func (t Tool) MakeImage(ctx context.Context, path string, i Image) error {
	if err := i.check(); err != nil {
		return err
	}
	header, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return t.make(ctx, path, header)
}

// MakeData is the function of that name with this tool.
func (t Tool) MakeData(ctx context.Context, path string) error { return t.make(ctx, path, nil) }

// make writes a raw disk beside the image and has it converted.
func (t Tool) make(ctx context.Context, path string, header []byte) (err error) {
	raw := path + ".raw"
	here := raw
	if t.Path != nil {
		here = t.Path(raw)
	}
	defer func() { err = errors.Join(err, os.Remove(here)) }()
	if err := os.WriteFile(here, header, 0o600); err != nil {
		return fmt.Errorf("cannot write a raw disk: %w", err)
	}
	if err := os.Truncate(here, diskSize); err != nil {
		return fmt.Errorf("cannot write a raw disk: %w", err)
	}
	return t.run(ctx, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path)
}

func (t Tool) run(ctx context.Context, argv ...string) error {
	if t.Exec != nil {
		_, err := t.Exec(ctx, argv...)
		return err
	}
	if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot run %q: %w: %s", argv, err, out)
	}
	return nil
}
