package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) journalCommand() *cobra.Command {
	var from since
	command := &cobra.Command{
		Use:   "journal",
		Short: "Print the events of the log, one JSON object a line",
		Long: "Print the events of incidents, one JSON object a line, oldest first. Its names are those of\n" +
			"CloudEvents 1.0: type, subject (the incident), time, data.",
		Args: cobra.NoArgs,
	}
	incident := command.Flags().String("incident", "", "only those of this incident")
	command.Flags().Var(&from, "since", "only those since then: 7d, or 2026-08-01T14:00")
	mustComplete(command, "incident", c.completeIncidents(oncall.Filter{}))
	mustComplete(command, "since", cobra.NoFileCompletions)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.printEvents(cmd.Context(), *incident, from.before(c.now()))
	}
	command.AddCommand(c.verifyCommand(), c.acceptCommand())
	return command
}

// logged is one event as it is printed.
type logged struct {
	Type    string          `json:"type"`
	Subject remediate.ID    `json:"subject"`
	Time    time.Time       `json:"time"`
	Data    remediate.Event `json:"data"`
}

// printEvents prints the events of one incident, or of all that were opened since.
func (c *cli) printEvents(ctx context.Context, incident string, since time.Time) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	var events []logged
	if incident == "" {
		events, err = readBy(ctx, c, settings, eventsBy(since), eventsIn(since))
	} else {
		var story oncall.Story
		story, err = readStory(ctx, c, settings, oncall.IncidentQuery{Incident: incident})
		events = eventsOf(story, since)
	}
	if err != nil {
		return err
	}
	for _, event := range events {
		if err := writeJSONLine(c.out, event); err != nil {
			return err
		}
	}
	return nil
}

// manyIncidents is how many incidents a running agent is asked for: their list,
// of some 400 bytes each, is within what a message holds.
const manyIncidents = 10_000

// eventsBy asks a running agent for one story after the other, and puts their
// events in order.
func eventsBy(since time.Time) func(context.Context, *oncall.Client) ([]logged, error) {
	return func(ctx context.Context, client *oncall.Client) ([]logged, error) {
		var incidents []oncall.Summary
		if err := client.Ask(ctx, oncall.AskIncidents, oncall.Filter{Since: since, Limit: manyIncidents}, &incidents); err != nil {
			return nil, err
		}
		var events []logged
		for _, i := range incidents {
			var story oncall.Story
			if err := client.Ask(ctx, oncall.AskIncident, oncall.IncidentQuery{Incident: string(i.ID)}, &story); err != nil {
				return nil, err
			}
			events = append(events, eventsOf(story, since)...)
		}
		slices.SortStableFunc(events, func(a, b logged) int { return a.Time.Compare(b.Time) })
		return events, nil
	}
}

// eventsIn reads the same from the state.
func eventsIn(since time.Time) func(context.Context, *agent.Reader) ([]logged, error) {
	return func(ctx context.Context, state *agent.Reader) ([]logged, error) {
		var events []logged
		err := state.Events(ctx, "", since, func(e remediate.Event) error {
			if e.Incident != "" {
				events = append(events, logEntry(e.Incident, oncall.Entry{Type: e.Type, At: e.At, Event: e}))
			}
			return nil
		})
		return events, err
	}
}

func eventsOf(story oncall.Story, since time.Time) []logged {
	var events []logged
	for _, e := range story.Entries {
		if !e.At.Wall.Before(since) {
			events = append(events, logEntry(story.Incident.ID, e))
		}
	}
	return events
}

// logEntry is an event under the names of CloudEvents.
func logEntry(incident remediate.ID, e oncall.Entry) logged {
	return logged{"nightshift." + string(e.Type), incident, e.At.Wall, e.Event}
}

func (c *cli) verifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "verify",
		Short: "Walk the whole log and say whether it is whole: exit status 1 when it is not",
		Args:  cobra.NoArgs,
	}
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.verifyJournal(cmd.Context(), output.json())
	}
	return command
}

func (c *cli) verifyJournal(ctx context.Context, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	health, err := read(ctx, c, settings, oncall.AskVerify, nil, func(ctx context.Context, state *agent.Reader) (oncall.Health, error) {
		return state.Verify(ctx)
	})
	if err != nil {
		return err
	}
	if json {
		err = writeJSON(c.out, health)
	} else {
		tellHealth(newScreen(c.out), health)
	}
	if err == nil && len(health.Damage) > 0 {
		return failure{status: statusFailed}
	}
	return err
}

func tellHealth(s screen, h oncall.Health) {
	s.line(say(fmt.Sprintf("epoch %s: %s, %d to %d", orDash(h.Epoch), count(int(h.Events), "event"), h.First, h.Last)))
	if len(h.Damage) == 0 {
		s.line(in(green, "the log is whole"))
		return
	}
	for _, damage := range h.Damage {
		s.line(in(red, "damaged: "), say(oneLine(damage)))
	}
	s.line(say("All acting is frozen. `nightshift journal accept --reason …` goes on from what the log holds."))
}

func (c *cli) acceptCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "accept --reason TEXT",
		Short: "Take what a damaged log holds as the new base; the agent stays frozen",
		Args:  cobra.NoArgs,
	}
	reason := command.Flags().String("reason", "", "why, for those who read it later (needed)")
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if strings.TrimSpace(*reason) == "" {
			return wrongUse("cannot accept the journal without a reason: add --reason \"…\"")
		}
		if *dryRun {
			newScreen(c.out).line(say("would begin a new epoch from what the log holds; this is what is wrong with it:"))
			return c.verifyJournal(cmd.Context(), false)
		}
		return c.sayVerb(cmd.Context(), oncall.Accept, oncall.Request{Comment: *reason}, output.json())
	}
	return command
}
