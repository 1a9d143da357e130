package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
	"nightshift/remediate/backtest"
)

// backtestSince is how far back a backtest looks that is not told otherwise, and
// backtestMost the most: further back the alerts were another site's.
const (
	backtestSince = 30 * 24 * time.Hour
	backtestMost  = 400 * 24 * time.Hour
)

func (c *cli) backtestCommand() *cobra.Command {
	var from since
	command := &cobra.Command{
		Use:   "backtest --prometheus URL --config FILE",
		Short: "Say what Nightshift would have done about the alerts that a Prometheus remembers; needs no agent",
		Long: "Say what Nightshift would have done about the alerts that a Prometheus remembers, if it might have acted:\n" +
			"reads ALERTS and runs what fired through the real gates in virtual time. Needs no agent, and does nothing.\n\n" +
			"What a step would have come to was never observed: everything after the first is unknown. A probe is taken\n" +
			"to agree while the alert fires that it verifies, and everything else to be well.",
		Example: "  nightshift backtest --prometheus http://localhost:9090 --since 30d --config new.yaml",
		Args:    cobra.NoArgs,
	}
	prometheus := command.Flags().String("prometheus", "", "the URL of the Prometheus to ask (needed)")
	config := command.Flags().String("config", "", "the inventory to go by; the agent's own if it is not given")
	command.Flags().Var(&from, "since", "how far back: 30d, or 2026-08-01T14:00; 30d if it is not given")
	mustComplete(command, "since", cobra.NoFileCompletions)
	mustComplete(command, "prometheus", cobra.NoFileCompletions)
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if *prometheus == "" {
			return wrongUse("cannot backtest without alerts: add --prometheus URL, like http://localhost:9090")
		}
		begin := from.before(c.now())
		if begin.IsZero() {
			begin = c.now().Add(-backtestSince)
		}
		if back := c.now().Sub(begin); back <= 0 || back > backtestMost {
			return wrongUse("cannot backtest: expected --since of at most 400d, and not in the future")
		}
		return c.backtest(cmd.Context(), *config, *prometheus, begin, output.json())
	}
	return command
}

func (c *cli) backtest(ctx context.Context, config, prometheus string, from time.Time, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	settings.Config = cmp.Or(config, settings.Config)
	report, err := agent.Backtest(ctx, settings, prometheus, from, c.now())
	if err != nil {
		return err
	}
	if json {
		return writeJSON(c.out, report)
	}
	tellBacktest(newScreen(c.out), report)
	return nil
}

// wouldWords say what would have become of an incident.
var wouldWords = map[backtest.Would]string{
	backtest.Acts: "act", backtest.Asks: "ask a person", backtest.Watches: "only note it",
	backtest.Hands: "tell people", backtest.Nothing: "nothing: it was over",
}

func tellBacktest(s screen, r backtest.Report) {
	if len(r.Incidents) > 0 {
		t := &table{head: []string{"OPENED", "ALERT", "PLAYBOOK", "TARGET", "WOULD", "WHAT"}}
		for _, i := range r.Incidents {
			what := strings.Join(i.Steps, ", ")
			if i.Reason != "" {
				what = string(i.Reason) + prefixed(": ", what)
			}
			if i.Would == backtest.Acts {
				what += "; then unknown"
			}
			t.add(say(moment(i.At)), say(i.Alert), say(i.Playbook), say(i.Target), say(wouldWords[i.Would]), say(what))
		}
		t.write(s)
		s.line()
	}
	sums := []string{fmt.Sprintf("alerts=%d", r.Alerts), fmt.Sprintf("incidents=%d", len(r.Incidents))}
	for _, would := range backtest.All {
		sums = append(sums, fmt.Sprintf("%s=%d", would, r.Sum[would]))
	}
	s.line(say(strings.Join(append(sums, fmt.Sprintf("unmatched=%d", r.Unmatched), fmt.Sprintf("elsewhere=%d", r.NotMine)), " ")))
}

// prefixed is a text with something before it, if there is one.
func prefixed(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
