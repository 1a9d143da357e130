package engine

import (
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// metrics are what the engine counts. Label values come from the configuration
// and from closed lists, never from an alert.
type metrics struct {
	incidents     *prometheus.CounterVec
	open          *prometheus.GaugeVec
	refusals      *prometheus.CounterVec
	steps         *prometheus.HistogramVec
	rungs         *prometheus.HistogramVec
	verifications *prometheus.CounterVec
	toAct         prometheus.Histogram
	toFix         prometheus.Histogram
	toAcknowledge prometheus.Histogram
	toRollBack    prometheus.Histogram
	escalations   *prometheus.CounterVec
	repeats       *prometheus.CounterVec
	recovered     *prometheus.CounterVec
	acting        *prometheus.GaugeVec
	frozen        prometheus.Gauge
	health        *prometheus.GaugeVec
	breakerOpen   *prometheus.GaugeVec
	sourceSilent  *prometheus.GaugeVec

	states map[remediate.ID]remediate.State
	// asked is since when people are wanted for an incident; the zero instant once
	// one has spoken.
	asked map[remediate.ID]remediate.Instant
	touch map[remediate.ID][]remediate.Target
}

// seconds are buckets from a fast restart to the longest incident.
var seconds = []float64{0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}

func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	m := &metrics{
		incidents: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightshift_incidents_total", Help: "Incidents that ended or were handed to people, by playbook and the state they came to.",
		}, []string{"playbook", "outcome"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "nightshift_incidents_open", Help: "Incidents that are not over, by state.",
		}, []string{"state"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightshift_refusals_total", Help: "Answers of the gates other than allow, by playbook and reason.",
		}, []string{"playbook", "reason"}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nightshift_step_duration_seconds", Help: "How long steps took, by action and result.", Buckets: seconds,
		}, []string{"action", "result"}),
		rungs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nightshift_rung_duration_seconds", Help: "How long rungs took from the first intent to the end of their verification, by playbook and result.", Buckets: seconds,
		}, []string{"playbook", "result"}),
		verifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightshift_verifications_total", Help: "Verifications that ended, by playbook and result.",
		}, []string{"playbook", "result"}),
		toAct: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nightshift_time_to_act_seconds", Help: "From the notification to the first intent.", Buckets: seconds,
		}),
		toFix: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nightshift_time_to_fix_seconds", Help: "From the notification to the end of the verification that found it fixed.", Buckets: seconds,
		}),
		toAcknowledge: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nightshift_time_to_acknowledge_seconds", Help: "From the moment that people were wanted, for an approval or because an incident was handed to them, to the first word of one.", Buckets: seconds,
		}),
		toRollBack: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nightshift_time_to_roll_back_seconds", Help: "From the approval of an exchange of a virtual machine's disks, or its first intent where none was needed, to its first healthy answer; the objective is 300.", Buckets: seconds,
		}),
		escalations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightshift_escalations_total", Help: "Levels of escalation at which people were told of an incident, by its severity and the level, from 0.",
		}, []string{"severity", "level"}),
		repeats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightshift_escalations_repeated_total", Help: "Escalations that were told again because nobody had acknowledged, by severity.",
		}, []string{"severity"}),
		recovered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightshift_recovered_incidents_total", Help: "Incidents taken up after a restart, by what was done first.",
		}, []string{"did"}),
		acting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "nightshift_acting", Help: "1 while an incident acts on the target or verifies what it did.",
		}, []string{"target"}),
		frozen: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nightshift_frozen", Help: "1 while all acting is frozen.",
		}),
		health: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "nightshift_probe_healthy", Help: "The last answer of a probe: 1 healthy, 0 unhealthy, -1 unknown.",
		}, []string{"probe"}),
		breakerOpen: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "nightshift_breaker_open", Help: "1 while failures stop the acting on a thing, or by a playbook, until a person closes the breaker.",
		}, []string{"on"}),
		sourceSilent: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "nightshift_source_silent", Help: "1 while nothing is heard of a source of alerts that was heard before.",
		}, []string{"source"}),
		states: map[remediate.ID]remediate.State{}, asked: map[remediate.ID]remediate.Instant{}, touch: map[remediate.ID][]remediate.Target{},
	}
	r.MustRegister(m.incidents, m.open, m.refusals, m.steps, m.rungs, m.verifications, m.toAct, m.toFix, m.toAcknowledge, m.toRollBack, m.escalations, m.repeats,
		m.recovered, m.acting, m.frozen, m.health, m.breakerOpen, m.sourceSilent)
	m.fill()
	return m
}

// fill creates the values of every closed label, so that a rate has a beginning.
func (m *metrics) fill() {
	for _, s := range remediate.LiveStates {
		m.open.WithLabelValues(string(s))
	}
	for _, d := range []string{"reconcile", "verify", "probe", "look"} {
		m.recovered.WithLabelValues(d)
	}
	for s := remediate.Severity(1); s <= remediate.LeastSevere; s++ {
		m.repeats.WithLabelValues(severityLabel(s))
		m.escalations.WithLabelValues(severityLabel(s), "0")
	}
	for verb := range remediate.Verbs {
		for _, result := range remediate.Results {
			m.steps.WithLabelValues(string(verb), string(result))
		}
	}
}

// configure creates the values of labels that the configuration names.
func (m *metrics) configure(c Config) {
	outcomes := append([]remediate.State{remediate.Escalated}, remediate.EndedStates...)
	for _, p := range slices.Concat(c.Playbooks, c.Asked) {
		for _, s := range outcomes {
			m.incidents.WithLabelValues(p.Name, string(s))
		}
		for _, o := range remediate.Outcomes {
			m.verifications.WithLabelValues(p.Name, string(o))
			m.rungs.WithLabelValues(p.Name, string(o))
		}
		for _, gate := range guard.Gates {
			for _, answer := range gate.Answers() {
				m.refusals.WithLabelValues(p.Name, string(answer.Reason))
			}
		}
	}
	for s, policy := range c.Inventory.Escalations {
		for level := range policy.Levels {
			m.escalations.WithLabelValues(severityLabel(s), strconv.Itoa(level))
		}
	}
	for _, key := range breakable(c) {
		m.breakerOpen.WithLabelValues(string(key))
	}
	for name := range c.Inventory.Sources {
		m.sourceSilent.WithLabelValues(name)
	}
	for name := range c.Inventory.Units {
		m.acting.WithLabelValues(remediate.Unit(name).String())
		for _, probe := range c.Inventory.UnitProbes(name) {
			m.health.WithLabelValues(probe).Set(healthValue[remediate.Unknown])
		}
	}
	for name := range c.Inventory.VMs {
		m.acting.WithLabelValues(remediate.VM(name).String())
		for _, probe := range c.Inventory.VMProbes(name) {
			m.health.WithLabelValues(probe).Set(healthValue[remediate.Unknown])
		}
	}
}

// breakable are the names of the breakers that there may be.
func breakable(c Config) []remediate.BreakerKey {
	var keys []remediate.BreakerKey
	for name := range c.Inventory.Units {
		keys = append(keys, remediate.Breaker{On: remediate.Unit(name)}.Key())
	}
	for name := range c.Inventory.VMs {
		keys = append(keys, remediate.Breaker{On: remediate.VM(name)}.Key())
	}
	for _, p := range c.Playbooks {
		keys = append(keys, remediate.Breaker{Playbook: p.Name}.Key())
	}
	return keys
}

// breakers tells which of those that there may be are open.
func (m *metrics) breakers(c Config, open map[remediate.BreakerKey]remediate.Breaker) {
	for _, key := range breakable(c) {
		value := 0.0
		if _, is := open[key]; is {
			value = 1
		}
		m.breakerOpen.WithLabelValues(string(key)).Set(value)
	}
}

func (m *metrics) source(name string, silent bool) {
	value := 0.0
	if silent {
		value = 1
	}
	m.sourceSilent.WithLabelValues(name).Set(value)
}

// observe counts what a restart found.
func (m *metrics) observe(l *remediate.Ledger) {
	for _, i := range l.Live() {
		m.moved(i)
	}
}

// moved keeps the gauges of states and of what is acted on.
func (m *metrics) moved(i *remediate.Incident) {
	if old, ok := m.states[i.ID]; ok {
		m.open.WithLabelValues(string(old)).Dec()
		delete(m.states, i.ID)
	}
	m.wanted(i)
	if i.State.Live() {
		m.open.WithLabelValues(string(i.State)).Inc()
		m.states[i.ID] = i.State
	}
	for _, on := range m.touch[i.ID] {
		m.acting.WithLabelValues(on.String()).Set(0)
	}
	m.touch[i.ID] = i.Touching()
	for _, on := range m.touch[i.ID] {
		m.acting.WithLabelValues(on.String()).Set(1)
	}
	if !i.State.Live() {
		delete(m.touch, i.ID)
	}
}

// wanted remembers since when an incident waits for people, until it does not.
func (m *metrics) wanted(i *remediate.Incident) {
	if i.State != remediate.Held && i.State != remediate.Escalated {
		delete(m.asked, i.ID)
	} else if _, known := m.asked[i.ID]; !known && i.Acknowledged == nil {
		m.asked[i.ID] = i.Since
	}
}

// heard takes the time of the first word of a person for whom an incident waits. A
// comment is none: it takes nothing on.
func (m *metrics) heard(e remediate.Event, now remediate.Instant) {
	answer := e.Answered != nil && e.Answered.Verb != remediate.PersonComments
	person := answer || e.Acknowledged != nil || e.Ended != nil && e.Ended.By != ""
	if since := m.asked[e.Incident]; person && !since.IsZero() {
		m.toAcknowledge.Observe(now.Since(since).Seconds())
		m.asked[e.Incident] = remediate.Instant{}
	}
}

// paged counts what people were told.
func (m *metrics) paged(p remediate.Paged, s remediate.Severity) {
	if p.Again {
		m.repeats.WithLabelValues(severityLabel(s)).Inc()
		return
	}
	m.escalations.WithLabelValues(severityLabel(s), strconv.Itoa(p.Level)).Inc()
}

// severityLabel is a severity as the value of a label.
func severityLabel(s remediate.Severity) string { return strconv.Itoa(int(s)) }

// note counts what a durable event says.
func (m *metrics) note(e remediate.Event, i *remediate.Incident, now remediate.Instant) {
	if i == nil {
		return
	}
	m.heard(e, now)
	m.moved(i)
	name := i.Playbook.Name
	switch {
	case e.Judged != nil && e.Judged.Verdict.Decision != remediate.Allow:
		m.refusals.WithLabelValues(name, string(e.Judged.Verdict.Reason)).Inc()
	case e.Started != nil && len(i.Tried) == 1 && e.Started.Step == 0 && !e.Started.Again:
		m.toAct.Observe(now.Since(i.Received).Seconds())
	case e.Finished != nil && !e.Finished.NotDone:
		rung := i.Plan.Rungs[e.Finished.Rung]
		m.steps.WithLabelValues(string(rung.Steps[e.Finished.Step].Do), string(e.Finished.Receipt.Result)).
			Observe(e.Finished.Receipt.Took.Seconds())
	case e.Verified != nil:
		m.verified(name, *e.Verified, i, now)
	case e.Paged != nil:
		m.paged(*e.Paged, i.Severity)
	case e.Ended != nil:
		m.incidents.WithLabelValues(name, string(e.Ended.State)).Inc()
	}
}

func (m *metrics) verified(playbook string, v remediate.Verified, i *remediate.Incident, now remediate.Instant) {
	m.verifications.WithLabelValues(playbook, string(v.Outcome)).Inc()
	if n := len(i.Tried); n > 0 && i.Tried[n-1].Outcome == v.Outcome && i.Tried[n-1].Rung == v.Rung {
		m.rungs.WithLabelValues(playbook, string(v.Outcome)).Observe(now.Since(i.Tried[n-1].Started).Seconds())
	}
	if v.Outcome == remediate.Fixed {
		m.toFix.Observe(now.Since(i.Received).Seconds())
		m.rolledBack(i)
	}
}

// rolledBack takes the time of an exchange of disks that helped.
func (m *metrics) rolledBack(i *remediate.Incident) {
	swap := func(s remediate.Step) bool { return s.Do == remediate.VerbSwap }
	if i.Plan == nil || !i.Climbed() || !slices.ContainsFunc(i.Plan.Rungs[i.Rung].Steps, swap) {
		return
	}
	from := i.ApprovedAt
	if from.IsZero() {
		from = i.Tried[len(i.Tried)-1].Started
	}
	m.toRollBack.Observe(i.Watch.Since.Since(from).Seconds())
}

func (m *metrics) freeze(f *remediate.Freeze) {
	if f != nil {
		m.frozen.Set(1)
		return
	}
	m.frozen.Set(0)
}

// healthValue is the gauge's number for an answer.
var healthValue = map[remediate.Health]float64{remediate.Healthy: 1, remediate.Unhealthy: 0, remediate.Unknown: -1}

func (m *metrics) probed(observations []remediate.Observation) {
	for _, o := range observations {
		m.health.WithLabelValues(o.Probe).Set(healthValue[o.Health])
	}
}
