package link

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/time/rate"
)

// Stream is what an end speaks over: a socket, or a port that was opened so that
// it can be waited for (os.OpenFile does that).
type Stream interface {
	io.ReadWriteCloser
	// SetWriteDeadline bounds the writes that follow: net.Conn.
	SetWriteDeadline(t time.Time) error
}

// line is one opened stream. It ends with its first failed read or write.
type line struct {
	stream Stream
	pace   *rate.Limiter

	writing chan struct{} // has room for the one who writes
	begun   bool
}

// A peer is read at most at perSecond lines (and a burst of that many at once), so
// that one that goes mad costs a thousandth of a core; it says one in five seconds.
const perSecond = 20

func newLine(s Stream) *line {
	return &line{stream: s, pace: rate.NewLimiter(perSecond, perSecond), writing: make(chan struct{}, 1)}
}

// say writes a message, within ctx. The first one begins with a newline: the end
// before us may have gone in the middle of a line.
func (l *line) say(ctx context.Context, m message) error {
	text, err := encode(m)
	if err != nil {
		return err
	}
	select {
	case l.writing <- struct{}{}:
		defer func() { <-l.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !l.begun {
		text = append([]byte{'\n'}, text...)
	}
	if err := l.stream.SetWriteDeadline(soonest(ctx, time.Now().Add(writeWithin))); err != nil {
		return err
	}
	if _, err := l.stream.Write(text); err != nil {
		l.stream.Close() // what follows half a line would be lost with it
		return err
	}
	l.begun = true
	return nil
}

// soonest is a deadline, or ctx's if that comes first.
func soonest(ctx context.Context, deadline time.Time) time.Time {
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		return d
	}
	return deadline
}

// listen gives each message to hear, one after the other, until the stream or ctx
// ends. What is no message is passed over.
func (l *line) listen(ctx context.Context, hear func(message)) error {
	reader := bufio.NewReaderSize(l.stream, MaxLine)
	whole := true // whether what comes next is the beginning of a line
	for {
		text, err := reader.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !cut {
			return err
		}
		if whole && !cut && len(text) > 1 {
			if m, err := decode(text); err == nil {
				hear(m)
			}
		}
		whole = !cut
		if err := l.pace.Wait(ctx); err != nil {
			return err
		}
	}
}

// pause waits; it ends early with ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
