package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) statusCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "status",
		Short: "Say how the agent is: exit status 1 when it does not answer",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.status(cmd.Context(), output.json())
	}
	return command
}

func (c *cli) status(ctx context.Context, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	down := false
	status, err := read(ctx, c, settings, oncall.AskStatus, nil, func(ctx context.Context, state *agent.Reader) (oncall.Status, error) {
		down = true
		return state.Status(ctx)
	})
	if err != nil {
		return err
	}
	if json {
		err = writeJSON(c.out, status)
	} else {
		tellStatus(newScreen(c.out), status, !down)
	}
	if err == nil && down {
		return failure{status: statusFailed}
	}
	return err
}

func tellStatus(s screen, status oncall.Status, runs bool) {
	field := func(name string, value piece) { s.line(in(faint, fmt.Sprintf("%-11s", name)), value) }
	field("host", say(orDash(status.Host)))
	if runs {
		field("agent", in(green, "runs, version "+orDash(status.Version)))
		field("mode", say(orDash(status.Mode)))
	} else {
		field("agent", in(red, "does not answer; this is what its state says"))
	}
	field("acting", freezePiece(status.Frozen))
	field("incidents", say(openWords(status.Open)))
	if !runs {
		return
	}
	for _, lacks := range slices.Sorted(maps.Keys(status.Degraded)) {
		field("degraded", in(yellow, lacks+": "+oneLine(status.Degraded[lacks])))
	}
}

func freezePiece(f *remediate.Freeze) piece {
	if f == nil {
		return say("not frozen")
	}
	return in(red, frozenWords(f))
}

// openWords counts the incidents that are not over, in the order of their lives.
func openWords(open map[remediate.State]int) string {
	var words []string
	for _, state := range remediate.LiveStates {
		if n := open[state]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(words) == 0 {
		return "none open"
	}
	return strings.Join(words, ", ")
}
