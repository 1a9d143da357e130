package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"nightshift/remediate"
)

// Filter says which events are wanted. The zero Filter wants all.
type Filter struct {
	// Incident wants the events of one.
	Incident remediate.ID
	// Since wants those that were stored at that time or later.
	Since time.Time
}

// Events calls fn with the stored events that filter wants, the oldest first,
// over all epochs that the store still has. What can't be read is left out;
// [Journal.Verify] tells of it. fn must not take long: it holds a reader.
func (j *Journal) Events(ctx context.Context, filter Filter, fn func(Recorded) error) error {
	epochs, err := j.epochs(ctx)
	if err != nil {
		return err
	}
	for _, epoch := range epochs {
		if err := j.epochEvents(ctx, epoch, filter, fn); err != nil {
			return fmt.Errorf("cannot read the events of epoch %s: %w", epoch, err)
		}
	}
	return nil
}

func (j *Journal) epochEvents(ctx context.Context, epoch string, filter Filter, fn func(Recorded) error) error {
	state, err := j.state(ctx, epoch)
	if err != nil {
		return err
	}
	q := query{Seq: max(state.FirstSeq, 1)}
	if filter.Incident != "" {
		q.NextFor = logSubject(j.o.Host, string(filter.Incident))
	}
	if !filter.Since.IsZero() {
		q.Seq, q.StartTime = 0, &filter.Since // a direct get takes one of them
	}
	return j.walkLog(ctx, &walker{epoch: epoch}, epoch, q, state.LastSeq, fn)
}

// Incidents lists the incidents that have events in the store and whose id
// begins with prefix, in the order of their ids.
func (j *Journal) Incidents(ctx context.Context, prefix string) ([]remediate.ID, error) {
	epochs, err := j.epochs(ctx)
	if err != nil {
		return nil, err
	}
	var ids []remediate.ID
	for _, epoch := range epochs {
		subjects, err := j.subjects(ctx, epoch)
		if err != nil {
			return nil, err
		}
		for subject := range subjects {
			id, ours := strings.CutPrefix(subject, logSubject(j.o.Host, ""))
			if ours && id != hostToken && strings.HasPrefix(id, prefix) {
				ids = append(ids, remediate.ID(id))
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// subjects are those of an epoch's events, each with how many it has.
func (j *Journal) subjects(ctx context.Context, epoch string) (map[string]uint64, error) {
	_, js := j.store.link()
	if js == nil {
		return nil, errors.Join(ErrUnavailable, errors.New("the NATS server is down"))
	}
	ctx, cancel := within(ctx)
	defer cancel()
	stream, err := js.Stream(ctx, logStream(j.o.Host, epoch))
	if err != nil {
		return nil, fmt.Errorf("cannot open epoch %s: %w", epoch, err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(logSubject(j.o.Host, "*")))
	if err != nil {
		return nil, fmt.Errorf("cannot list the incidents of epoch %s: %w", epoch, err)
	}
	return info.State.Subjects, nil
}
