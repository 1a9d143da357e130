package webhook

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/iotest"
)

// Whatever the lengths of buffers and pieces, what is read is what was sent, and
// the budget has all of it back.
func TestABodyOfAnyLengthIsReadWhole(t *testing.T) {
	sent := make([]byte, MaxBody+1)
	rand.NewChaCha8([32]byte{1}).Read(sent)
	for _, length := range []int{
		0, 1, startBuffer - 1, startBuffer, startBuffer + 1, keepBuffer - 1, keepBuffer, keepBuffer + 1,
		2 * keepBuffer, 2*keepBuffer + 1, 1_000_000, MaxBody - 1, MaxBody, MaxBody + 1,
	} {
		b := budget{max: maxBodies}
		s := takeScratch()
		body := iotest.DataErrReader(bytes.NewReader(sent[:length])) // as a connection does, the end with the last bytes
		r, err := http.NewRequest(http.MethodPost, Path, body)
		if err != nil {
			t.Fatal(err)
		}
		got := s.readBody(r, &b)
		switch {
		case length > MaxBody && got != bodyTooLarge:
			t.Errorf("%d bytes are answered %v, want %v", length, got, bodyTooLarge)
		case length <= MaxBody && got != nil:
			t.Errorf("%d bytes are answered %v", length, got)
		case length <= MaxBody && !bytes.Equal(s.body, sent[:length]):
			t.Errorf("of %d bytes %d were read, or others", length, len(s.body))
		}
		if used := b.used.Load(); used < int64(length) && got == nil {
			t.Errorf("%d bytes count as %d in the budget", length, used)
		}
		s.release()
		if used := b.used.Load(); used != 0 {
			t.Errorf("after %d bytes the budget still lacks %d", length, used)
		}
	}
}
