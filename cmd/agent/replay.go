package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
	"nightshift/remediate/replay"
)

// maxEvent bounds one event of a copied log, in bytes: as much as the log takes.
const maxEvent = 9 << 20

func (c *cli) replayCommand() *cobra.Command {
	var from since
	command := &cobra.Command{
		Use:   "replay [ID]",
		Short: "Decide an incident again from what the log says, and tell what comes out otherwise",
		Long: "Decide an incident again from what the log says that each decision was made of: the plan of what was seen,\n" +
			"the gates' verdicts of their facts, and all that followed. It must come to the same; where it does not, either\n" +
			"the log was changed or this version of the agent decides otherwise. Nothing is done.\n\n" +
			"Exit status 1 says that something came out otherwise. An incident of which the log does not hold all that is\n" +
			"needed, because an older agent wrote it or its beginning is gone, is counted as unknown.",
		Example: "  nightshift replay 7K2M9QX4\n  nightshift journal > log.jsonl; nightshift replay --all -f log.jsonl",
		Args:    cobra.MaximumNArgs(1),
	}
	all := command.Flags().Bool("all", false, "every incident of the log")
	file := command.Flags().StringP("file", "f", "", "a copied log, as `nightshift journal` prints it; - is standard input")
	command.Flags().Var(&from, "since", "with --all: only what was recorded since then: 7d, or 2026-08-01T14:00")
	mustComplete(command, "since", cobra.NoFileCompletions)
	output := addOutput(command)
	command.ValidArgsFunction = c.completeIncidents(oncall.Filter{}, anyIncident)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if *all == (len(args) == 1) {
			return wrongUse("cannot replay: expected the ID of one incident, or --all")
		}
		q := oncall.EventsQuery{Since: from.before(c.now())}
		if len(args) == 1 {
			q.Incident = args[0]
		}
		return c.replay(cmd.Context(), q, *file, output.json())
	}
	return command
}

func (c *cli) replay(ctx context.Context, q oncall.EventsQuery, file string, json bool) error {
	var again replay.Replay
	taken := 0
	take := func(stored []byte) error {
		taken++
		return replayEvent(&again, q.Incident, stored)
	}
	read := func() error { return c.replayLog(ctx, q, take) }
	if file != "" {
		read = func() error { return c.eachLine(file, take) }
	}
	if err := read(); err != nil {
		return err
	}
	if q.Incident != "" && taken == 0 {
		return fmt.Errorf("cannot replay incident %s: the log has no event of it", q.Incident)
	}
	report := again.End()
	if json {
		if err := writeJSON(c.out, report); err != nil {
			return err
		}
	} else {
		tellReplay(newScreen(c.out), report)
	}
	if len(report.Differences) > 0 {
		return failure{status: statusFailed}
	}
	return nil
}

// replayLog reads the log of the running agent, or of one that does not run.
func (c *cli) replayLog(ctx context.Context, q oncall.EventsQuery, take func([]byte) error) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	_, err = readBy(ctx, c, settings, func(ctx context.Context, client *oncall.Client) (bool, error) {
		return true, eachStored(ctx, q, pagesOf(client), take)
	}, func(ctx context.Context, state *agent.Reader) (bool, error) {
		return true, eachStored(ctx, q, func(ctx context.Context, q oncall.EventsQuery) (oncall.EventsPage, error) {
			return oncall.Page(ctx, state, q)
		}, take)
	})
	return err
}

// eachLine calls f with each line of a copied log.
func (c *cli) eachLine(file string, f func(stored []byte) error) error {
	in := c.in
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("cannot read the copied log: %w", err)
		}
		defer opened.Close()
		in = opened
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := f(lines.Bytes()); err != nil {
			return fmt.Errorf("cannot read line %d of the copied log: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot read the copied log: %w", err)
	}
	return nil
}

// chained is where an event stands in its log.
type chained struct {
	Data struct {
		Epoch string `json:"epoch"`
		Prev  string `json:"prev"`
	} `json:"data"`
}

// replayEvent hands one stored event on; of one incident, if only is not empty.
func replayEvent(again *replay.Replay, only string, stored []byte) error {
	e, n, err := oncall.ReadEvent(stored)
	if err != nil {
		return err
	}
	var at chained
	if err := remediate.DecodeJSON(stored, &at); err != nil {
		return err
	}
	if only != "" && !isOf(e.Incident, only) {
		return nil
	}
	sum := sha256.Sum256(stored)
	again.Event(e, replay.Place{N: n, Epoch: at.Data.Epoch, Prev: at.Data.Prev, Hash: hex.EncodeToString(sum[:])})
	return nil
}

// isOf reports whether prefix is a beginning of the incident's ID, in any case.
func isOf(id remediate.ID, prefix string) bool {
	return len(prefix) <= len(id) && strings.EqualFold(string(id[:len(prefix)]), prefix)
}

// shownText is how much of a decision is shown, in characters: the JSON has all of it.
const shownText = 400

func tellReplay(s screen, r replay.Report) {
	for _, d := range r.Differences {
		s.line(in(red, "differs  "), say(fmt.Sprintf("incident %s, event %d: its %s", orDash(string(d.Incident)), d.N, d.Of)))
		s.line(in(faint, "    was  "), say(shortened(d.Was)))
		s.line(in(faint, "    now  "), say(shortened(d.Is)))
	}
	unknown := ""
	if r.Unknown > 0 {
		unknown = fmt.Sprintf(" unknown=%d", r.Unknown)
	}
	s.line(say(fmt.Sprintf("replayed=%d different=%d decisions=%d%s", r.Replayed, r.Different, r.Decisions, unknown)))
}

// shortened is one line of at most [shownText] characters.
func shortened(text string) string {
	line := []rune(oneLine(text))
	if len(line) <= shownText {
		return string(line)
	}
	return string(line[:shownText]) + "…"
}
