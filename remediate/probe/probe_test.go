package probe

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/remediate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// prober is what every probe of this package is.
type prober interface {
	Probe(ctx context.Context) remediate.Observation
}

var _ = []prober{(*HTTP)(nil), (*TCP)(nil), (*TLS)(nil), (*PromQL)(nil), (*Metric)(nil), (*Memory)(nil), (*File)(nil), (*Disk)(nil), (*Postgres)(nil), (*CPU)(nil), (*Counter)(nil), (*Resolve)(nil), (*Route)(nil)}

// patience is a timeout that only a hanging test reaches, haste one that a
// hanging service must reach.
const (
	patience = time.Minute
	haste    = 50 * time.Millisecond
)

// sees asks a probe and holds its answer to a health and a part of the detail.
func sees(t *testing.T, p prober, want remediate.Health, part string) {
	t.Helper()
	seesFor(t, t.Context(), p, want, part)
}

func seesFor(t *testing.T, ctx context.Context, p prober, want remediate.Health, part string) {
	t.Helper()
	got := p.Probe(ctx)
	if got.Health != want || !strings.Contains(got.Detail, part) {
		t.Errorf("got %s: %q, want %s: %q", got.Health, got.Detail, want, part)
	}
	if got.Probe == "" {
		t.Error("the observation does not say which probe it is of")
	}
}

// canceled is a context of somebody who has gone.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestAQuestionThatIsTakenBackIsUnknown(t *testing.T) {
	hanging := hangingListener(t)
	for _, p := range []prober{
		NewHTTP(HTTPOptions{Name: "http", URL: "http://" + hanging}),
		NewTCP(TCPOptions{Name: "tcp", Address: closedPort(t)}),
		NewTLS(TLSOptions{Name: "tls", Address: hanging}, time.Now),
		NewMetric(MetricOptions{Name: "metric", URL: "http://" + hanging, Counter: "c", Per: time.Minute}, time.Now),
	} {
		seesFor(t, canceled(t), p, remediate.Unknown, "taken back")
	}
}

func TestADetailIsBounded(t *testing.T) {
	seen := ask(t.Context(), "x", patience, func(context.Context) answer {
		return unhealthy("%s", strings.Repeat("line \x1b[31m\n", 1000))
	})
	if lines := strings.Count(seen.Detail, "\n"); lines > 4 || len(seen.Detail) > 512 || strings.Contains(seen.Detail, "\x1b") {
		t.Errorf("%d lines, %d bytes: %q", lines, len(seen.Detail), seen.Detail)
	}
}

func TestALookHasADeadline(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: DefaultTimeout, -1: DefaultTimeout, patience: patience} {
		ask(t.Context(), "x", timeout, func(ctx context.Context) answer {
			until, ok := ctx.Deadline()
			if left := time.Until(until); !ok || left > want || left < want/2 {
				t.Errorf("timeout %s gives %s", timeout, left)
			}
			return healthy("")
		})
	}
}
