package journal

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
)

// message is one stored message as it was read back.
type message struct {
	seq    uint64
	time   time.Time
	header nats.Header
	data   []byte
}

// query asks a stream for messages: from a sequence on, or the next ones of a
// subject, or the last one of a subject. It is the body of a direct get:
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
type query struct {
	Seq       uint64     `json:"seq,omitzero"`
	NextFor   string     `json:"next_by_subj,omitzero"`
	LastFor   string     `json:"last_by_subj,omitzero"`
	Batch     int        `json:"batch,omitzero"`
	MaxBytes  int        `json:"max_bytes,omitzero"`
	StartTime *time.Time `json:"start_time,omitzero"`
	// Bare leaves out all headers, which is twice as fast. The sequences are
	// then those that the messages have when none is missing in between; after
	// each batch they are right again.
	Bare bool `json:"no_hdr,omitzero"`
}

// The size of one batch: few enough bytes that memory stays small, and enough
// messages that the way to the server and back does not count.
const (
	batchMessages = 1000
	batchBytes    = 1 << 20
)

// reader reads messages of one stream. No consumer is made: nothing about
// reading is stored.
type reader struct {
	conn   *nats.Conn
	stream string
	inbox  string
	sub    *nats.Subscription
}

// reader opens a stream for reading; it must be closed.
func (s *store) reader(stream string) (*reader, error) {
	conn, _ := s.link()
	if conn == nil {
		return nil, fmt.Errorf("%w: the NATS server is down", ErrUnavailable)
	}
	inbox := conn.NewInbox()
	sub, err := conn.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", stream, err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", stream, err)
	}
	return &reader{conn: conn, stream: stream, inbox: inbox, sub: sub}, nil
}

func (r *reader) close() { _ = r.sub.Unsubscribe() } // fails only on a closed connection

// ask sends a query and calls fn with each message of the answer. It returns the
// sequence after the last one that was looked at; q.Seq when there was nothing.
func (r *reader) ask(ctx context.Context, q query, fn func(message) error) (next uint64, err error) {
	body, err := remediate.EncodeJSON(q)
	if err != nil {
		return q.Seq, err
	}
	if err := ctx.Err(); err != nil {
		return q.Seq, fmt.Errorf("cannot read %s: %w", r.stream, err)
	}
	if err := r.conn.PublishRequest("$JS.API.DIRECT.GET."+r.stream, r.inbox, body); err != nil {
		return q.Seq, fmt.Errorf("cannot read %s: %w", r.stream, err)
	}
	for next = q.Seq; ; {
		msg, err := r.sub.NextMsg(callDeadline) // of each message: fn takes its own time
		if err != nil {
			return next, fmt.Errorf("cannot read %s: %w", r.stream, err)
		}
		if done, err := r.ended(msg); done || err != nil {
			return max(next, lastLooked(msg)), err
		}
		m, err := readMessage(msg, q.Bare, next)
		if err != nil {
			return next, err
		}
		next = m.seq + 1
		if err := fn(m); err != nil || q.Batch == 0 {
			return next, err
		}
	}
}

// ended reports whether msg is the status that ends an answer.
func (r *reader) ended(msg *nats.Msg) (bool, error) {
	if len(msg.Header) == 0 {
		return false, nil
	}
	switch status := msg.Header.Get("Status"); status {
	case "":
		return false, nil
	case "204", "404": // end of batch; nothing there
		return true, nil
	default:
		return true, fmt.Errorf("cannot read %s: status %s %s", r.stream, status, msg.Header.Get("Description"))
	}
}

// lastLooked is the sequence after the one that ended a batch, 0 when there was
// no batch.
func lastLooked(end *nats.Msg) uint64 {
	last, err := strconv.ParseUint(end.Header.Get(nats.JSLastSequence), 10, 64)
	if err != nil || last == 0 {
		return 0
	}
	return last + 1
}

// readMessage reads what stands in the headers; a bare message has none, and the
// sequence that is next.
func readMessage(msg *nats.Msg, bare bool, next uint64) (message, error) {
	if bare {
		return message{seq: next, data: msg.Data}, nil
	}
	seq, err := strconv.ParseUint(msg.Header.Get(nats.JSSequence), 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("cannot read a message: its sequence is %q", msg.Header.Get(nats.JSSequence))
	}
	at, err := time.Parse(time.RFC3339Nano, msg.Header.Get(nats.JSTimeStamp))
	if err != nil {
		return message{}, fmt.Errorf("cannot read a message: its time is %q", msg.Header.Get(nats.JSTimeStamp))
	}
	return message{seq: seq, time: at, header: msg.Header, data: msg.Data}, nil
}

// one reads the one message that q asks for; ok is false when there is none.
func (r *reader) one(ctx context.Context, q query) (m message, ok bool, err error) {
	_, err = r.ask(ctx, q, func(found message) error {
		m, ok = found, true
		return nil
	})
	return m, ok, err
}

// missesLimit is after how many sequences in a row without a message a walk
// gives up. A block of the store has 8 MiB, which are at most so many events.
const missesLimit = 20_000

// walk calls fn with each message of q, from q.Seq to last, in order. A message
// that can't be read is left out; who must know sees it by the sequences. After
// an answer with nothing in it the next sequence is tried, so one bad block does
// not hide what comes after it.
func (r *reader) walk(ctx context.Context, q query, last uint64, fn func(message) error) error {
	q.Batch, q.MaxBytes = batchMessages, batchBytes
	misses := 0
	for q.Seq <= last && misses < missesLimit {
		next, err := r.ask(ctx, q, func(m message) error {
			if m.seq > last {
				return nil
			}
			return fn(m)
		})
		if err != nil {
			return err
		}
		if next == q.Seq {
			if q.NextFor != "" || q.StartTime != nil {
				return nil
			}
			next++
			misses++
		} else {
			misses = 0
		}
		q.Seq, q.StartTime = next, nil
	}
	return nil
}
