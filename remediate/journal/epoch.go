package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
)

// keptEpochs is how many earlier epochs can still be read.
const keptEpochs = 2

// openLog finds the epoch that is written, and the end of its log.
func (j *Journal) openLog(ctx context.Context) error {
	head, written, err := readHead(j.o.Dir)
	known := written && err == nil
	epochs, err2 := j.epochs(ctx)
	if err2 != nil {
		return err2
	}
	if known && !slices.Contains(epochs, head.Epoch) {
		if epochs, err2 = j.recoverEpoch(ctx, epochs, head.Epoch); err2 != nil {
			return err2
		}
	}
	epoch, err2 := j.currentEpoch(ctx, epochs)
	if err2 != nil {
		return err2
	}
	j.chain.epoch = epoch
	if written && err != nil {
		head = Head{}
		if err := j.damages.found(Flaw{Kind: HeadUnreadable, Detail: err.Error()}); err != nil {
			return err
		}
	}
	return j.findEnd(ctx, head, written)
}

// epochs lists the epochs of which there are streams, in their order.
func (j *Journal) epochs(ctx context.Context) ([]string, error) {
	_, js := j.store.link()
	if js == nil {
		return nil, fmt.Errorf("%w: the NATS server is down", ErrUnavailable)
	}
	ctx, cancel := within(ctx)
	defer cancel()
	names := js.StreamNames(ctx)
	var epochs []string
	for name := range names.Name() {
		epoch, ours := strings.CutPrefix(name, logStream(j.o.Host, ""))
		if _, err := ulid.ParseStrict(epoch); ours && err == nil {
			epochs = append(epochs, epoch)
		}
	}
	if err := names.Err(); err != nil {
		return nil, fmt.Errorf("cannot list the streams: %w", err)
	}
	slices.Sort(epochs)
	return epochs, nil
}

// recoverEpoch opens the stream of an epoch that the head knows and the server
// does not: when only its description was lost, its events are found under its
// name. A stream without events is taken away again.
func (j *Journal) recoverEpoch(ctx context.Context, epochs []string, epoch string) ([]string, error) {
	config := logConfig(j.o.Host, epoch)
	if len(epochs) > 0 {
		config = retiredConfig(j.o.Host, epoch) // the newest one listens where this would
	}
	if err := j.store.ensure(ctx, config); err != nil {
		return nil, err
	}
	return j.dropEmpty(ctx, append(epochs, epoch), epoch)
}

// dropEmpty deletes the stream of an epoch without events.
func (j *Journal) dropEmpty(ctx context.Context, epochs []string, epoch string) ([]string, error) {
	_, js := j.store.link()
	ctx, cancel := within(ctx)
	defer cancel()
	stream, err := js.Stream(ctx, logStream(j.o.Host, epoch))
	if err != nil {
		return nil, fmt.Errorf("cannot open epoch %s: %w", epoch, err)
	}
	if stream.CachedInfo().State.LastSeq == 0 {
		if err := js.DeleteStream(ctx, logStream(j.o.Host, epoch)); err != nil {
			return nil, fmt.Errorf("cannot drop epoch %s: %w", epoch, err)
		}
		epochs = slices.DeleteFunc(epochs, func(e string) bool { return e == epoch })
	}
	slices.Sort(epochs)
	return epochs, nil
}

// currentEpoch is the newest epoch with events; without one a new epoch begins.
// An empty newest one is left by a crash while it began.
func (j *Journal) currentEpoch(ctx context.Context, epochs []string) (string, error) {
	for len(epochs) > 1 {
		newest := epochs[len(epochs)-1]
		left, err := j.dropEmpty(ctx, epochs, newest)
		if err != nil {
			return "", err
		}
		if len(left) == len(epochs) {
			break
		}
		epochs = left
	}
	if len(epochs) > 0 {
		return epochs[len(epochs)-1], j.makeCurrent(ctx, epochs)
	}
	epoch, err := newEpoch(j.o.now().Wall)
	if err != nil {
		return "", err
	}
	return epoch, j.makeCurrent(ctx, []string{epoch})
}

// makeCurrent has the last of epochs listen to the log's subjects and the others
// to none, and forgets the oldest.
func (j *Journal) makeCurrent(ctx context.Context, epochs []string) error {
	last := len(epochs) - 1
	for i, epoch := range epochs[:last] {
		if i < last-keptEpochs {
			if err := j.dropEpoch(ctx, epoch); err != nil {
				return err
			}
			continue
		}
		if err := j.store.ensure(ctx, retiredConfig(j.o.Host, epoch)); err != nil {
			return err
		}
	}
	return j.store.ensure(ctx, logConfig(j.o.Host, epochs[last]))
}

func (j *Journal) dropEpoch(ctx context.Context, epoch string) error {
	_, js := j.store.link()
	ctx, cancel := within(ctx)
	defer cancel()
	if err := js.DeleteStream(ctx, logStream(j.o.Host, epoch)); err != nil {
		return fmt.Errorf("cannot drop epoch %s: %w", epoch, err)
	}
	return nil
}

// findEnd reads the last event, and compares it with the head.
func (j *Journal) findEnd(ctx context.Context, head Head, written bool) error {
	c := &j.chain
	c.n, c.seq, c.hash = head.N, 0, genesis
	c.generation = j.store.generation.Load()
	if head.Hash != "" {
		c.hash = head.Hash
	}
	state, err := j.state(ctx, c.epoch)
	if err != nil {
		return err
	}
	if c.seq = state.LastSeq; c.seq == 0 {
		return j.emptyLog(head)
	}
	m, ok, err := j.last(ctx, logStream(j.o.Host, c.epoch))
	if err != nil {
		return err
	}
	if !ok {
		return j.damages.found(Flaw{Kind: LogHole, N: head.N, Detail: fmt.Sprintf("the last event, message %d, can't be read", c.seq)})
	}
	c.hash = hashOf(m.data)
	return j.compareEnd(m, head, written)
}

// emptyLog is right for a host's first start only.
func (j *Journal) emptyLog(head Head) error {
	if head.N > 0 {
		flaw := Flaw{Kind: LogBehindHead, N: head.N, Detail: fmt.Sprintf("the log is empty, journal.head knows event %d", head.N)}
		if err := j.damages.found(flaw); err != nil {
			return err
		}
	}
	return j.head.write(Head{j.chain.epoch, j.chain.n, j.chain.hash})
}

// compareEnd finds a log that is behind its head. One that is ahead is right:
// the process ended between an event and the head.
func (j *Journal) compareEnd(m message, head Head, written bool) error {
	last, err := decode(m.data)
	switch {
	case err != nil:
		if errors.Is(err, ErrNewer) {
			return err
		}
		return j.damages.found(Flaw{Kind: Undecodable, N: head.N, Detail: fmt.Sprintf("the last event, message %d: %s", m.seq, err)})
	case !written:
		j.chain.n = last.N
		return j.damages.found(Flaw{Kind: HeadUnreadable, N: last.N, Detail: "journal.head is missing"})
	case last.N < head.N:
		return j.damages.found(Flaw{Kind: LogBehindHead, N: last.N, Detail: fmt.Sprintf("the log ends with event %d, journal.head knows event %d", last.N, head.N)})
	case last.N == head.N && last.Hash != head.Hash && head.Hash != "":
		return j.damages.found(Flaw{Kind: ChainBroken, N: last.N, Detail: fmt.Sprintf("event %d is not the one that journal.head knows", last.N)})
	}
	j.chain.n = last.N
	if head.Hash == "" { // unreadable, which is noted
		return nil
	}
	return j.head.write(Head{j.chain.epoch, j.chain.n, j.chain.hash})
}

// state is the first and last sequence of an epoch, and how many events it has.
func (j *Journal) state(ctx context.Context, epoch string) (jetstream.StreamState, error) {
	_, js := j.store.link()
	if js == nil {
		return jetstream.StreamState{}, fmt.Errorf("%w: the NATS server is down", ErrUnavailable)
	}
	ctx, cancel := within(ctx)
	defer cancel()
	stream, err := js.Stream(ctx, logStream(j.o.Host, epoch))
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("cannot open epoch %s: %w", epoch, err)
	}
	return stream.CachedInfo().State, nil
}
