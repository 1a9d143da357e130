package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The server's index lets it open a stream without reading the blocks that the
// index describes. When a block's sequences are not what the index says, the
// server (2.15) counts from the one to the other, a step and four bytes for each
// number in between, and neither time nor memory are enough. So before it starts
// the blocks are looked at: where one makes no sense the index goes, and the
// server reads all blocks of that stream with their checksums.
//
// A block is a list of records: length, sequence, time, length of the subject
// (4, 8, 8 and 2 bytes, little endian), then subject, message and checksum, as
// filestore.go of nats-server writes them. A wrong guess about this format costs
// a slower start and nothing else: what is damage, the chain decides.
const (
	recordHeader = 22
	recordMin    = recordHeader + 8 // with its checksum
	// headersBit of the length marks a record with headers; the two upper bits
	// of the sequence mark records that were erased.
	headersBit = 1 << 31
	erasedBits = 3 << 62
	// gapLimit is how many messages can have been removed between two records:
	// the server counts through so many in a millisecond.
	gapLimit = 1 << 20
	// scanBytes is how much of a stream is looked at, the newest: a start reads
	// no more, and so much takes some 20 ms.
	scanBytes = 64 << 20
)

// indexFile is the server's index of a stream.
const indexFile = "index.db"

// streamDir is where the server keeps a stream.
func streamDir(dir, stream string) string {
	return filepath.Join(dir, storeDir, "jetstream", journalAccount, "streams", stream)
}

// scanStore looks at the blocks of all streams below dir, up to limit bytes of
// each, and takes away each index that can't be trusted. Blocks that make no
// sense are first copied to aside, because the server cuts them off there. It
// returns their names.
func scanStore(dir, aside string, limit int64) (found []string, err error) {
	streams, err := filepath.Glob(filepath.Join(streamDir(dir, "*"), "msgs"))
	if err != nil {
		return nil, fmt.Errorf("cannot look at the store: %w", err)
	}
	for _, msgs := range streams {
		s := scanner{limit: limit, dense: dense(filepath.Base(filepath.Dir(msgs)))}
		if err := s.stream(msgs); err != nil {
			return nil, fmt.Errorf("cannot look at the store: %w", err)
		}
		for _, block := range s.bad {
			to := filepath.Join(aside, filepath.Base(filepath.Dir(msgs)), filepath.Base(block))
			if err := copyFile(block, to); err != nil {
				return nil, err
			}
		}
		if s.records < 2 || len(s.bad) > 0 {
			if err := removeIndex(msgs); err != nil {
				return nil, err
			}
		}
		found = append(found, s.bad...)
	}
	return found, nil
}

func removeIndex(msgs string) error {
	err := os.Remove(filepath.Join(msgs, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot remove the index of a stream: %w", err)
	}
	return nil
}

// scanner looks at the blocks of one stream.
type scanner struct {
	limit int64
	// dense is whether no message is ever removed but the oldest.
	dense bool
	// records counts those seen, last is the sequence of the last. A stream with
	// one record has nothing to compare it with.
	records int
	last    uint64
	// bad are the blocks that make no sense.
	bad []string
	buf []byte
}

// stream looks at the newest blocks.
func (s *scanner) stream(msgs string) error {
	blocks, sizes, err := blockFiles(msgs)
	if err != nil {
		return err
	}
	first, seen := len(blocks), int64(0)
	for first > 0 && seen < s.limit {
		first--
		seen += sizes[first]
	}
	for i := first; i < len(blocks); i++ {
		if err := s.block(blocks[i], sizes[i]); err != nil {
			return err
		}
	}
	return nil
}

// full looks at all blocks but the last, which is being written.
func (s *scanner) full(msgs string) error {
	blocks, sizes, err := blockFiles(msgs)
	if err != nil {
		return fmt.Errorf("cannot look at the store: %w", err)
	}
	for i := range len(blocks) - 1 {
		if err := s.block(blocks[i], sizes[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot look at the store: %w", err)
		}
	}
	return nil
}

// blockFiles lists the blocks in their order, with their lengths.
func blockFiles(msgs string) (blocks []string, sizes []int64, err error) {
	if blocks, err = filepath.Glob(filepath.Join(msgs, "*.blk")); err != nil {
		return nil, nil, err
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".blk"))
		return n
	}
	slices.SortFunc(blocks, func(a, b string) int { return number(a) - number(b) })
	for _, block := range blocks {
		info, err := os.Stat(block)
		if err != nil {
			return nil, nil, err
		}
		sizes = append(sizes, info.Size())
	}
	return blocks, sizes, nil
}

// block looks at one block, in a buffer that the next one uses again.
func (s *scanner) block(name string, size int64) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	s.buf = slices.Grow(s.buf[:0], int(size))[:size]
	n, err := io.ReadFull(file, s.buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if !s.plausible(s.buf[:n]) {
		s.bad = append(s.bad, name)
	}
	return nil
}

// plausible reports whether a block is a list of whole records whose sequences
// rise, also from the block before.
func (s *scanner) plausible(block []byte) bool {
	for len(block) > 0 {
		if len(block) < recordMin {
			return false
		}
		length := int64(binary.LittleEndian.Uint32(block) &^ headersBit)
		if length < recordMin || length > int64(len(block)) {
			return false
		}
		if seq := binary.LittleEndian.Uint64(block[4:]); seq&erasedBits == 0 {
			if !s.follows(seq) {
				return false
			}
			s.last = seq
			s.records++
		}
		block = block[length:]
	}
	return true
}

// follows reports whether a record with seq can come next.
func (s *scanner) follows(seq uint64) bool {
	switch {
	case s.last == 0:
		return true
	case s.dense:
		return seq == s.last+1
	default:
		return seq > s.last && seq-s.last <= gapLimit
	}
}

// dense reports whether a stream of that name loses messages only at its
// beginning.
func dense(stream string) bool {
	return strings.HasPrefix(stream, "journal-") || strings.HasPrefix(stream, "alerts-")
}

// copyFile copies a file with its directories; on a file system that can, the
// copy shares the blocks of the original.
func copyFile(from, to string) error {
	if err := makeDir(filepath.Dir(to)); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("cannot copy: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("cannot copy: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("cannot copy: %w", err)
	}
	return nil
}
