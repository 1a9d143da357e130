package qemu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// header is what the header of a qcow2 image says: docs/interop/qcow2.txt of QEMU.
// It is read here and not by qemu-img, which would follow what it finds in an image
// that somebody else wrote, and which waits for QEMU's lock.
type header struct {
	Backing string // the backing file as it is written there; empty for none
	Format  string // of the backing file; empty when not said
	Size    int64  // virtual, in bytes
	Corrupt bool   // QEMU saw damage and marked it
}

// The parts of the format that are of use here.
const (
	qcow2Magic       = "QFI\xfb"
	headerV2         = 72
	backingNameLimit = 1023
	extensionFormat  = 0xE2792ACA
	extensionLimit   = 64 // more are no image of QEMU's

	incompatibleCorrupt      = 1 << 1
	incompatibleExternalData = 1 << 2
)

var errForeign = errors.New("it is not a qcow2 image")

// readHeader reads the header of an image. An image whose data lies in another file,
// or is encrypted, is refused: nothing of ours makes one.
func readHeader(f io.ReaderAt) (header, error) {
	fixed := make([]byte, 104)
	n, err := f.ReadAt(fixed, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return header{}, err
	}
	version := binary.BigEndian.Uint32(fixed[4:])
	if n < headerV2 || string(fixed[:4]) != qcow2Magic || version != 2 && version != 3 || version == 3 && n < len(fixed) {
		return header{}, errForeign
	}
	h := header{Size: int64(binary.BigEndian.Uint64(fixed[24:]))}
	extensions := int64(headerV2)
	if version == 3 {
		incompatible := binary.BigEndian.Uint64(fixed[72:])
		h.Corrupt = incompatible&incompatibleCorrupt != 0
		extensions = int64(binary.BigEndian.Uint32(fixed[100:]))
		if incompatible&incompatibleExternalData != 0 {
			return header{}, errors.New("its data lies in another file, which is not supported: qemu-img convert makes one file of it")
		}
	}
	if binary.BigEndian.Uint32(fixed[32:]) != 0 {
		return header{}, errors.New("it is encrypted, which is not supported")
	}
	if h.Format, err = backingFormat(f, extensions); err != nil {
		return header{}, err
	}
	h.Backing, err = backingName(f, binary.BigEndian.Uint64(fixed[8:]), binary.BigEndian.Uint32(fixed[16:]))
	return h, err
}

func backingName(f io.ReaderAt, at uint64, length uint32) (string, error) {
	if at == 0 || length == 0 {
		return "", nil
	}
	if length > backingNameLimit || at > 1<<21 { // the header is one cluster, 2 MiB at most
		return "", errForeign
	}
	name := make([]byte, length)
	if _, err := f.ReadAt(name, int64(at)); err != nil {
		return "", errForeign
	}
	return string(name), nil
}

// backingFormat looks for the one extension that names it.
func backingFormat(f io.ReaderAt, at int64) (string, error) {
	for range extensionLimit {
		head := make([]byte, 8)
		if _, err := f.ReadAt(head, at); errors.Is(err, io.EOF) {
			return "", nil
		} else if err != nil {
			return "", err
		}
		kind, length := binary.BigEndian.Uint32(head), int64(binary.BigEndian.Uint32(head[4:]))
		switch {
		case kind == 0:
			return "", nil
		case kind == extensionFormat && length < 64:
			format := make([]byte, length)
			_, err := f.ReadAt(format, at+8)
			return string(format), err
		}
		at += 8 + (length+7)/8*8
	}
	return "", errForeign
}

// image is an image file as it lies there.
type image struct {
	header
	Path string
	// Bytes is its length, Takes what it takes on the disk, MTime its last change in
	// nanoseconds since 1970.
	Bytes, Takes, MTime int64
	Owner               uint32
	Writable            bool // by anybody, for what its mode says
}

// readImage reads a plain qcow2 file.
func readImage(path string) (image, error) {
	f, info, err := open(path)
	if err != nil {
		return image{}, fmt.Errorf("cannot use the image %s: %w", path, err)
	}
	defer f.Close()
	h, err := readHeader(f)
	if err != nil {
		return image{}, fmt.Errorf("cannot use the image %s: %w", path, err)
	}
	return image{
		header: h, Path: path, Bytes: info.Size(), Takes: takes(info), MTime: info.ModTime().UnixNano(),
		Owner: ownerOf(info), Writable: info.Mode().Perm()&0o222 != 0,
	}, nil
}
