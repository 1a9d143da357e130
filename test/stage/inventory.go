package stage

import (
	"cmp"
	"fmt"
	"strings"
)

// Inventory is what differs between the inventories of tests; the zero one is of
// a host where each playbook may act, once for each incident and without a pause
// between two, however often the tests want that.
type Inventory struct {
	// MaxActing is how many incidents may act at the same time, 1 if 0.
	MaxActing int
	// Units are lines beside the four that are always there.
	Units []string
	// Verify and Attempts are YAML mappings, Deadline a duration, for each
	// playbook.
	Verify, Attempts, Deadline string
	// Autonomy is each playbook's ceiling.
	Autonomy string
	// Bounded is whether the gates that count have the figures that they have by
	// default.
	Bounded bool
	// People are those on call; without any the operator may approve.
	People []Person
	// More are lines of the file's own mapping: escalation, sources.
	More []string
}

// Figures of a test. They are short and yet far above what a busy machine needs
// between two answers of a probe.
const (
	usualVerify   = "{settle: 100ms, window: 500ms, within: 10s, every: 100ms}"
	usualAttempts = "{max: 3, per: 1h, cooldown: 1ms}"
	usualDeadline = "1m"
)

// unbounded are the gates that count, so far away that a test reaches none: each
// repeats within minutes what a host sees in months.
const unbounded = `startup_grace: 0s
rates: {touched: [10000/1h], playbook: [10000/1h], host: [10000/1h]}
breaker: {touched: 100, playbook: 100}
storm: {targets: 1000}
flapping: 10000/1h
`

func (i Inventory) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "host: {name: %s, alerts: ['host=\"%s\"'], max_acting: %d}\n", Host, Host, cmp.Or(i.MaxActing, 1))
	fmt.Fprintf(&b, "probes:\n")
	for _, probe := range []string{WebhookErrors, Memory} {
		fmt.Fprintf(&b, "  %s: {file: %s/%s.ok}\n", probe, folder, probe)
	}
	fmt.Fprintf(&b, "units:\n  %s: {healthy: [%s]}\n", Dispatcher, WebhookErrors)
	for _, line := range append([]string{Prometheus + ": {}", Grafana + ": {}", Nginx + ": {}"}, i.Units...) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	fmt.Fprintf(&b, "playbooks:\n")
	for _, playbook := range []string{"system-down", "high-memory", "webhook-errors"} {
		fmt.Fprintf(&b, "  - {name: %s, autonomy: %s, deadline: %s, verify: %s, attempts: %s, keep_level: %t}\n", playbook,
			cmp.Or(i.Autonomy, "act"), cmp.Or(i.Deadline, usualDeadline), cmp.Or(i.Verify, usualVerify), cmp.Or(i.Attempts, usualAttempts), !i.Bounded)
	}
	if !i.Bounded {
		b.WriteString(unbounded)
	}
	writePeople(&b, i.People)
	for _, line := range i.More {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

func writePeople(b *strings.Builder, people []Person) {
	if len(people) > 0 {
		fmt.Fprintf(b, "people:\n")
	}
	for _, p := range people {
		fmt.Fprintf(b, "  %s\n", p.line())
	}
}
