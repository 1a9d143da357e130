package journal

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
)

// incidentHeader names the incident that a text was seen for.
const incidentHeader = "Nightshift-Incident"

// PutEvidence stores a text that is too long for an event, for 30 days, and
// returns the SHA-256 in hex and the length that the event keeps. The error is
// [ErrUnavailable] or [ErrTooLarge].
func (j *Journal) PutEvidence(ctx context.Context, incident remediate.ID, text []byte) (digest string, size int, err error) {
	if len(text) > MaxPayload-headerRoom {
		return "", 0, fmt.Errorf("cannot store evidence: %w: %d bytes, at most %d", ErrTooLarge, len(text), MaxPayload-headerRoom)
	}
	if err := j.store.mend(ctx); err != nil {
		return "", 0, fmt.Errorf("cannot store evidence: %w", err)
	}
	digest = hashOf(text)
	msg := nats.NewMsg(evidenceSubject(j.o.Host, digest))
	msg.Data = text
	msg.Header.Set(incidentHeader, token(incident))
	if _, err := j.store.publish(ctx, evidenceStream(j.o.Host), msg); err != nil {
		j.store.health.failed(err)
		return "", 0, fmt.Errorf("cannot store evidence: %w", errors.Join(ErrUnavailable, err))
	}
	j.store.health.succeeded()
	return digest, len(text), nil
}

// GetEvidence reads a text back. The error is [ErrNotFound] when it is gone or
// is not what was stored.
func (j *Journal) GetEvidence(ctx context.Context, digest string) ([]byte, error) {
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) != 32 {
		return nil, fmt.Errorf("cannot read evidence %q: expected a SHA-256 in hex", digest)
	}
	r, err := j.store.reader(evidenceStream(j.o.Host))
	if err != nil {
		return nil, err
	}
	defer r.close()
	m, ok, err := r.one(ctx, query{LastFor: evidenceSubject(j.o.Host, digest)})
	if err != nil {
		return nil, err
	}
	if !ok || hashOf(m.data) != digest {
		return nil, fmt.Errorf("evidence %s: %w", digest, ErrNotFound)
	}
	return m.data, nil
}
