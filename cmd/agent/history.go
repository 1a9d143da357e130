package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) historyCommand() *cobra.Command {
	from := since{text: "24h", back: 24 * time.Hour}
	command := &cobra.Command{
		Use:   "history",
		Short: "Tell what came of everything: the page of the morning",
		Long: "Tell what came of everything since a time: what was fixed, what was not and why not, how long it took, what\n" +
			"people have now, and what was fixed so often that the fault must be somewhere else.",
		Example: "  nightshift history --since 12h",
		Args:    cobra.NoArgs,
	}
	command.Flags().Var(&from, "since", "since then: 12h, 7d, or 2026-08-01T18:00")
	mustComplete(command, "since", cobra.NoFileCompletions)
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.history(cmd.Context(), from.before(c.now()), output.json())
	}
	return command
}

func (c *cli) history(ctx context.Context, since time.Time, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	count := newCounter(since, c.now())
	_, err = readBy(ctx, c, settings, func(ctx context.Context, client *oncall.Client) (bool, error) {
		return true, eachEvent(ctx, count.from(), pagesOf(client), count.add)
	}, func(ctx context.Context, state *agent.Reader) (bool, error) {
		return true, state.Events(ctx, "", count.from(), count.add)
	})
	if err != nil {
		return err
	}
	t := count.done()
	if json {
		return writeJSON(c.out, t)
	}
	tellTally(newScreen(c.out), t, c.now())
	return nil
}

// eachEvent calls f with each event since then.
func eachEvent(ctx context.Context, since time.Time, read pages, f func(remediate.Event) error) error {
	return eachStored(ctx, oncall.EventsQuery{Since: since}, read, func(stored []byte) error {
		e, _, err := oncall.ReadEvent(stored)
		if err != nil {
			return err
		}
		return f(e)
	})
}

func tellTally(s screen, t tally, now time.Time) {
	field := func(name string, value piece) { s.line(in(faint, fmt.Sprintf("%-12s", name)), value) }
	field("since", say(moment(t.Since)+", "+span(t.Until.Sub(t.Since))))
	field("opened", say(openedWords(t)))
	field("over", say(counted(t.Ended, remediate.EndedStates, "none")))
	field("acted", actedPiece(t.Verified))
	field("refused", say(counted(t.Refused, slices.Sorted(maps.Keys(t.Refused)), "none")))
	field("time to act", say(t.ToAct.String()))
	field("time to fix", say(t.ToFix.String()))
	field("time to ack", say(t.ToAcknowledge.String()))
	for _, r := range t.Repeats {
		field("again", in(red, r.Sentence))
	}
	if len(t.WithPeople) == 0 {
		field("with people", say("nothing now"))
		return
	}
	field("with people", in(red, count(len(t.WithPeople), "incident")+" now"))
	s.line()
	incidentTable(t.WithPeople, now).write(s)
}

func openedWords(t tally) string {
	words := count(t.Opened, "incident") + " by alerts"
	if t.Asked > 0 {
		words += fmt.Sprintf(", %d by people", t.Asked)
	}
	if t.Escalated > 0 {
		words += fmt.Sprintf("; %d handed to people", t.Escalated)
	}
	return words
}

// actedPiece says what came of the rungs that were climbed.
func actedPiece(verified map[remediate.Outcome]int) piece {
	all := 0
	for _, n := range verified {
		all += n
	}
	if all == 0 {
		return say("on nothing")
	}
	text := fmt.Sprintf("%s, %d %% of %s", strings.ReplaceAll(counted(verified, remediate.Outcomes, ""), "_", " "), verified[remediate.Fixed]*100/all, count(all, "rung"))
	if verified[remediate.Fixed] == all {
		return in(green, text)
	}
	return in(yellow, text)
}

// counted lists how many there are of each, in an order: the most frequent first
// would move about from day to day.
func counted[K ~string](of map[K]int, order []K, none string) string {
	var words []string
	for _, key := range order {
		if n := of[key]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, key))
		}
	}
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}

func (s spread) String() string {
	switch s.Count {
	case 0:
		return "-"
	case 1:
		return span(s.Max) + ", once"
	}
	return fmt.Sprintf("median %s, longest %s, of %d", span(s.Median), span(s.Max), s.Count)
}
