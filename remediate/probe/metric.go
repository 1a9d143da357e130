package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"nightshift/remediate"
)

// MetricOptions say which counter is scraped, and how fast it may rise.
type MetricOptions struct {
	Name    string
	URL     string // of the page, in the Prometheus text format
	Counter string
	// Labels choose the series that are added up: those that have them all.
	Labels map[string]string
	// Max is by how much the counter may rise within Per.
	Max     float64
	Per     time.Duration
	Timeout time.Duration
}

// Metric scrapes a counter and keeps its own samples, so that it needs no
// Prometheus. It knows only what it was asked to look at: something should ask
// it every now and then, [Metric.Every] says how often, also while all is well.
type Metric struct {
	o    MetricOptions
	now  func() time.Time
	turn turn // one page at a time, so that samples come in order

	mu      sync.Mutex
	history history
}

// NewMetric makes a probe of a counter. Samples are of the time now.
func NewMetric(o MetricOptions, now func() time.Time) *Metric {
	return &Metric{o: o, now: now, turn: newTurn(), history: history{per: o.Per}}
}

// Every is how often the probe should be asked to know what happened within its
// span: 20 times, and not more often than once a second.
func (m *Metric) Every() time.Duration { return max(m.o.Per/20, time.Second) }

// Probe scrapes once, and judges with what it knows from before.
func (m *Metric) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, m.o.Name, m.o.Timeout, func(ctx context.Context) answer {
		if err := m.sample(ctx); err != nil {
			return unknown("cannot read %s: %v", m.o.Counter, err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.history.judge(m.o.Max)
	})
}

// Uncounted calls request and keeps the error that it provokes out of the count:
// of what the counter rises from just before to just after, at most one, and
// nothing if it does not rise.
func (m *Metric) Uncounted(ctx context.Context, request func() (provoked bool)) {
	m.glance(ctx)
	if !request() {
		return
	}
	m.mu.Lock()
	m.history.excuse(m.now())
	m.mu.Unlock()
	m.glance(ctx)
}

// glance takes a sample without an answer: a page that can't be read now is
// noticed when the probe is asked.
func (m *Metric) glance(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(m.o.Timeout))
	defer cancel()
	_ = m.sample(ctx)
}

// sample scrapes and remembers.
func (m *Metric) sample(ctx context.Context) error {
	if !m.turn.take(ctx) {
		return ctx.Err()
	}
	defer m.turn.give()
	value, err := m.scrape(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.history.add(m.now(), value)
	return nil
}

// scrape fetches the page and adds up the counter.
func (m *Metric) scrape(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.o.URL, nil)
	if err != nil {
		return 0, errors.New(reason(err))
	}
	request.Header.Set("User-Agent", "nightshift")
	request.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	client, hangUp := newClient(nil)
	defer hangUp()
	client.Transport = bounded{client.Transport}
	response, err := client.Do(request)
	if err != nil {
		return 0, errors.New(reason(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("got %s, expected 200", response.Status)
	}
	return m.read(response.Body)
}

// read adds up the counter of a page.
func (m *Metric) read(page io.Reader) (float64, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return 0, err
	}
	return m.sum(families[m.o.Counter])
}

// sum adds up the series that were chosen. Of a counter that is on the page, a
// series that is not there has not begun and is 0; a counter that is not there
// at all may as well be misspelt.
func (m *Metric) sum(family *dto.MetricFamily) (float64, error) {
	if family == nil {
		return 0, errors.New("no such counter is on the page")
	}
	if t := family.GetType(); t != dto.MetricType_COUNTER && t != dto.MetricType_UNTYPED {
		return 0, fmt.Errorf("it is a %s, expected a counter", t)
	}
	total := 0.0
	for _, series := range family.GetMetric() {
		if m.chosen(series) {
			total += series.GetCounter().GetValue() + series.GetUntyped().GetValue()
		}
	}
	if math.IsNaN(total) || math.IsInf(total, 0) || total < 0 {
		return 0, fmt.Errorf("its value is %v", total)
	}
	return total, nil
}

// chosen reports whether a series has all the labels that are asked for.
func (m *Metric) chosen(series *dto.Metric) bool {
	found := 0
	for _, label := range series.GetLabel() {
		if want, ok := m.o.Labels[label.GetName()]; ok && want == label.GetValue() {
			found++
		}
	}
	return found == len(m.o.Labels)
}
