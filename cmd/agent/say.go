package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

func (c *cli) ackCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "ack ID",
		Short: "Take an incident: nobody else is called for now",
		Long: "Take an incident: its escalation stops, and nobody else is called for now. It says nothing about the plan: the\n" +
			"agent goes on with what it does. When the incident is not over in time, people are called again.",
	}
	mute := command.Flags().Bool("mute", false, "silence the source alert too, while the incident lives")
	return c.verbCommand(command, saying{
		verb: oncall.Ack, fits: fitsAck, optional: true,
		request: func(r *oncall.Request) { r.Mute = *mute },
	})
}

func (c *cli) denyCommand() *cobra.Command {
	return c.verbCommand(&cobra.Command{
		Use:   "deny ID --comment TEXT",
		Short: "Say no to what an incident would do: it is over, and nothing is done",
		Long: "Say no to what an incident would do: it is over, and nothing is done. A no beats a yes until the first step has\n" +
			"its intent in the log.",
	}, saying{verb: oncall.Deny, fits: fitsDeny})
}

func (c *cli) cancelCommand() *cobra.Command {
	return c.verbCommand(&cobra.Command{
		Use:   "cancel ID --comment TEXT",
		Short: "Stop what the agent does about an incident, and hand it to people",
		Long: "Stop what the agent does about an incident. Before it has done anything, it is over; after that, it is handed to\n" +
			"people once the step under way has ended.",
	}, saying{verb: oncall.Cancel, fits: fitsCancel})
}

func (c *cli) closeCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "close ID --comment TEXT",
		Short: "Say that it is mended: the probes are asked, then it is over",
		Long: "Say that it is mended. The probes are asked first: while one is not healthy, the incident stays open, and you are\n" +
			"told which. --force closes it all the same.",
	}
	force := command.Flags().Bool("force", false, "close it whatever its probes say")
	return c.verbCommand(command, saying{
		verb: oncall.Close, fits: anyIncident,
		request: func(r *oncall.Request) { r.Force = *force },
	})
}

func (c *cli) resumeCommand() *cobra.Command {
	return c.verbCommand(&cobra.Command{
		Use:   "resume ID --comment TEXT",
		Short: "Hand an escalated incident back to the agent, its attempts spent",
	}, saying{verb: oncall.Resume, fits: fitsResume})
}

func (c *cli) commentCommand() *cobra.Command {
	command := &cobra.Command{
		Use:               "comment ID TEXT...",
		Short:             "Write something down with an incident, for those who read it later",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: c.completeIncidents(oncall.Filter{Open: true}, anyIncident),
	}
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		text := strings.Join(args[1:], " ")
		if strings.TrimSpace(text) == "" {
			return wrongUse("cannot comment with nothing: give a text")
		}
		return c.sayOf(cmd.Context(), oncall.Comment, oncall.Request{Incident: args[0], Comment: text}, *dryRun, output.json())
	}
	return command
}

// saying is a verb of one incident as a command says it.
type saying struct {
	verb string
	// fits chooses the incidents that are completed.
	fits fits
	// optional is whether it may go without a comment.
	optional bool
	// request fills in what the verb's own flags say; nil is nothing.
	request func(*oncall.Request)
}

// verbCommand makes of a command one that says a verb.
func (c *cli) verbCommand(command *cobra.Command, s saying) *cobra.Command {
	command.Args = cobra.ExactArgs(1)
	command.ValidArgsFunction = c.completeIncidents(oncall.Filter{Open: true}, s.fits)
	output, dryRun := addOutput(command), addDryRun(command)
	usage := "why, for those who read it later (needed)"
	if s.optional {
		usage = "why, for those who read it later"
	}
	comment := command.Flags().StringP("comment", "m", "", usage)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if !s.optional && strings.TrimSpace(*comment) == "" {
			return wrongUse("cannot %s an incident without a reason: add --comment \"…\"", s.verb)
		}
		request := oncall.Request{Incident: args[0], Comment: *comment}
		if s.request != nil {
			s.request(&request)
		}
		return c.sayOf(cmd.Context(), s.verb, request, *dryRun, output.json())
	}
	return command
}

// sayOf says a verb of the one incident whose ID begins as the request has it.
func (c *cli) sayOf(ctx context.Context, verb string, r oncall.Request, dryRun, json bool) error {
	if dryRun {
		return c.wouldSay(ctx, verb, r)
	}
	return c.sayVerb(ctx, verb, r, json)
}

// sayVerb says a verb to the running agent and tells what it answered.
func (c *cli) sayVerb(ctx context.Context, verb string, r oncall.Request, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	reply, err := c.do(ctx, settings, verb, r)
	if c.isDown(err) {
		return fmt.Errorf("cannot %s: only a running agent can record that: %w", verb, err)
	}
	if err != nil {
		return err
	}
	return c.writeReply(reply, json)
}

func (c *cli) writeReply(reply oncall.Reply, json bool) error {
	if json {
		return writeJSON(c.out, reply)
	}
	newScreen(c.out).line(say(reply.Done))
	return nil
}

// wouldSay names the incident that a verb would be about.
func (c *cli) wouldSay(ctx context.Context, verb string, r oncall.Request) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	story, err := readStory(ctx, c, settings, oncall.IncidentQuery{Incident: r.Incident})
	if err != nil {
		return err
	}
	i := story.Incident
	newScreen(c.out).line(say(fmt.Sprintf("would %s incident %s, %s of %s, which is %s", verb, i.ID, i.Playbook.Name, i.Target, i.State)))
	return nil
}

// fits says whether a verb can be said of an incident.
type fits func(oncall.Summary) bool

func anyIncident(oncall.Summary) bool { return true }

// fitsAck leaves out what somebody has taken.
func fitsAck(i oncall.Summary) bool { return i.Acknowledged == nil }

func fitsApprove(i oncall.Summary) bool { return i.State == remediate.Held }

// fitsAgain is an approval that came to nothing.
func fitsAgain(i oncall.Summary) bool {
	return i.State == remediate.Escalated && i.Reason == remediate.ReasonExpired
}

// fitsDeny includes a rung that was approved and has not begun.
func fitsDeny(i oncall.Summary) bool {
	return i.State == remediate.Held || i.State == remediate.Acting && len(i.Tried) == 0
}

// fitsCancel is whatever the agent still has.
func fitsCancel(i oncall.Summary) bool { return i.State != remediate.Escalated }

func fitsResume(i oncall.Summary) bool { return i.State == remediate.Escalated }
