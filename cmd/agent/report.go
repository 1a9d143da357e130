package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

func (c *cli) reportCommand() *cobra.Command {
	output := choice{"markdown", []string{"markdown", "json"}}
	command := &cobra.Command{
		Use:   "report ID",
		Short: "Draft the post-mortem of an incident, in Markdown",
		Long: "Draft the post-mortem of an incident, in Markdown: its times, what happened when, what was done, and what was\n" +
			"seen before. What stands in square brackets is for a person to write.",
		Example:           "  nightshift report 7K2M > 7K2M.md",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeIncidents(oncall.Filter{}, anyIncident),
	}
	addChoice(command, &output, "output", "o", "how it is written: markdown or json")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		return c.report(cmd.Context(), args[0], output.json())
	}
	return command
}

func (c *cli) report(ctx context.Context, id string, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	story, err := readStory(ctx, c, settings, oncall.IncidentQuery{Incident: id, Evidence: true})
	if err != nil {
		return err
	}
	r := reportOf(story)
	if json {
		return writeJSON(c.out, r)
	}
	_, err = c.out.Write([]byte(r.markdown()))
	return err
}

// report is what a post-mortem needs of an incident.
type report struct {
	Incident   remediate.ID    `json:"incident"`
	Title      string          `json:"title"`
	State      remediate.State `json:"state"`
	Why        string          `json:"why"`
	Severity   int             `json:"severity,omitzero"`
	Alert      string          `json:"alert,omitzero"`
	Asked      string          `json:"asked,omitzero"`
	Target     string          `json:"target"`
	Playbook   string          `json:"playbook"`
	Milestones milestones      `json:"milestones"`
	// The times between them; nil where one did not come.
	ToAct         *time.Duration `json:"toAct,omitzero"`
	ToAcknowledge *time.Duration `json:"toAcknowledge,omitzero"`
	ToFix         *time.Duration `json:"toFix,omitzero"`

	Timeline []moments            `json:"timeline"`
	Actions  []action             `json:"actions,omitzero"`
	Said     []word               `json:"said,omitzero"`
	Evidence []remediate.Evidence `json:"evidence,omitzero"`

	opened remediate.Instant
	name   string // of the alert
}

// moments are what happened at one time.
type moments struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	// after is the time since the opening.
	after time.Duration
}

// action is one step that was begun.
type action struct {
	At      time.Time     `json:"at"`
	Rung    string        `json:"rung"`
	Step    string        `json:"step"`
	Risk    string        `json:"risk"`
	Result  string        `json:"result,omitzero"` // empty while it goes on
	Detail  string        `json:"detail,omitzero"`
	Took    time.Duration `json:"took,omitzero"`
	Outcome string        `json:"outcome,omitzero"` // of its rung's verification
}

// word is what a person said.
type word struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Verb    string    `json:"verb"`
	Comment string    `json:"comment,omitzero"`
}

func reportOf(story oncall.Story) report {
	i := &story.Incident
	r := report{
		Incident: i.ID, State: i.State, Why: reasoned(string(i.State), string(i.Reason), oneLine(i.Detail)), Severity: int(i.Severity),
		Target: orDash(i.Target.String()), Playbook: orDash(i.Playbook.Name), opened: i.OpenedAt,
	}
	if i.Asked != nil {
		r.Asked, r.Title = askedText(*i.Asked), r.Playbook+" of "+r.Target
	} else {
		r.name = orDash(i.Alert.Name())
		r.Alert, r.Title = alertText(i.Alert), r.name+" on "+r.Target
	}
	t := teller{opened: i.OpenedAt, allEvidence: true}
	for _, entry := range story.Entries {
		r.add(&t, entry)
	}
	r.ToAct, r.ToAcknowledge, r.ToFix = ifCame(r.Milestones.toAct()), ifCame(r.Milestones.toAcknowledge()), ifCame(r.Milestones.toFix())
	return r
}

// ifCame is a time if it came.
func ifCame(d time.Duration, came bool) *time.Duration {
	if !came {
		return nil
	}
	return &d
}

// add folds one event.
func (r *report) add(t *teller, entry oncall.Entry) {
	e, at := entry.Event, entry.At.Wall.UTC()
	e.At = entry.At
	r.Milestones.add(e)
	r.Timeline = append(r.Timeline, moments{at, headline(t.words(entry)), entry.At.Since(r.opened)})
	switch {
	case e.Gathered != nil:
		r.Evidence = append(r.Evidence, e.Gathered.Evidence...)
	case e.Started != nil:
		r.Actions = append(r.Actions, action{At: at, Rung: t.rungName(e.Started.Rung), Step: e.Started.What.String(), Risk: e.Started.What.Risk.String()})
	case e.Finished != nil:
		r.finished(e.Finished.Receipt)
	case e.Verified != nil:
		r.verified(outcomeWords(e.Verified.Outcome))
	case e.Answered != nil:
		r.Said = append(r.Said, word{at, e.Answered.By, e.Answered.Verb, e.Answered.Comment})
	case e.Acknowledged != nil:
		r.Said = append(r.Said, word{at, e.Acknowledged.By, remediate.PersonAcks, e.Acknowledged.Comment})
	case e.Ended != nil && e.Ended.By != "":
		r.Said = append(r.Said, word{at, e.Ended.By, string(e.Ended.State), e.Ended.Comment})
	}
}

// finished is what came of the last step.
func (r *report) finished(receipt remediate.Receipt) {
	if len(r.Actions) == 0 {
		return
	}
	last := &r.Actions[len(r.Actions)-1]
	last.Result, last.Detail, last.Took = string(receipt.Result), oneLine(receipt.Detail), receipt.Took
}

// verified is what came of the steps that no verification has judged yet.
func (r *report) verified(outcome string) {
	for n := len(r.Actions) - 1; n >= 0 && r.Actions[n].Outcome == ""; n-- {
		r.Actions[n].Outcome = outcome
	}
}

// headline is an event on one line: what it says, and the first of what belongs to it
// where that is short.
func headline(t told) string {
	text := t.head.text
	if len(t.lines) == 1 {
		text += "; " + oneLine(t.lines[0])
	}
	return cutTo(text, headlineColumns, headlineColumns)
}

// headlineColumns keeps a row of a timeline to what one reads at a glance.
const headlineColumns = 240

// acknowledger is who first said a word once people were wanted.
func (r *report) acknowledger() string {
	for _, w := range r.Said {
		if !w.At.Before(r.Milestones.Answered.Wall.UTC()) {
			return w.By
		}
	}
	return ""
}

// ended is what a report says of an incident's end.
func (r *report) ended() string {
	if r.Milestones.Over.IsZero() {
		return "not over"
	}
	return moment(r.Milestones.Over.Wall)
}

// zone names the zone of a time, for those who read it elsewhere.
func zone(t time.Time) string { return t.Local().Format("MST (UTC-07:00)") }

// spanOr is a time, or what stands in for one that did not come.
func spanOr(d *time.Duration, none string) string {
	if d == nil {
		return none
	}
	return span(*d)
}

// summary is the first sentence of the draft, which the agent can write itself.
func (r *report) summary() string {
	why := "Alert " + r.name + " came"
	if r.Asked != "" {
		why = r.Playbook + " was asked " + r.Asked
	}
	did := "The agent did nothing."
	if n := len(r.Actions); n > 0 {
		did = fmt.Sprintf("The agent did %s, the last of which was %s (%s).", count(n, "step"), r.Actions[n-1].Step, cmp.Or(r.Actions[n-1].Outcome, r.Actions[n-1].Result, "under way"))
	}
	return fmt.Sprintf("%s, about %s. %s The incident is %s.", why, r.Target, did, r.Why)
}
