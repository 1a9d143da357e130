package main

import (
	"fmt"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/agent"
)

// checkTable is a round of checks for people.
func checkTable(checked []agent.Checked) *table {
	t := &table{head: []string{"KIND", "NAME", "ANSWER", "TOOK", "SEEN"}}
	for _, one := range checked {
		t.add(say(one.Kind), say(one.Name), in(healthStyle(one.Health), one.Health.String()), say(span(one.Took)), say(one.Detail))
	}
	return t
}

// round is one round of checks for programs.
type round struct {
	Time   time.Time        `json:"time"`
	Health remediate.Health `json:"health"`
	Checks []shownCheck     `json:"checks"`
}

type shownCheck struct {
	Kind   string           `json:"kind"`
	Name   string           `json:"name"`
	Health remediate.Health `json:"health"`
	Detail string           `json:"detail,omitzero"`
	Took   time.Duration    `json:"took"`
}

func shownChecks(checked []agent.Checked, now time.Time) round {
	r := round{now.UTC(), worst(checked), make([]shownCheck, len(checked))}
	for n, one := range checked {
		r.Checks[n] = shownCheck{one.Kind, one.Name, one.Health, one.Detail, one.Took}
	}
	return r
}

// worst sums up a round.
func worst(checked []agent.Checked) remediate.Health {
	observations := make([]remediate.Observation, len(checked))
	for n, one := range checked {
		observations[n] = one.Observation
	}
	return remediate.Worst(observations)
}

// verdictOf is the exit status of a round.
func verdictOf(checked []agent.Checked) error {
	switch worst(checked) {
	case remediate.Healthy:
		return nil
	case remediate.Unhealthy:
		return failure{status: statusFailed}
	}
	return failure{status: statusUsage}
}

// summary is a round in a sentence.
func summary(checked []agent.Checked) string {
	by := map[remediate.Health]int{}
	for _, one := range checked {
		by[one.Health]++
	}
	switch {
	case len(checked) == 0:
		return "nothing to check: the inventory names no probes and no units"
	case by[remediate.Healthy] == len(checked):
		return fmt.Sprintf("all %d healthy", len(checked))
	case by[remediate.Unknown] == 0:
		return fmt.Sprintf("%d of %d unhealthy", by[remediate.Unhealthy], len(checked))
	case by[remediate.Unhealthy] == 0:
		return fmt.Sprintf("%d of %d unknown", by[remediate.Unknown], len(checked))
	}
	return fmt.Sprintf("%d of %d unhealthy, %d unknown", by[remediate.Unhealthy], len(checked), by[remediate.Unknown])
}
