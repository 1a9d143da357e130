package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// waitsForAnswer chooses the incidents that a person can approve or deny.
var waitsForAnswer = oncall.Filter{Open: true, Outcome: string(remediate.Held)}

// approveFlags say how a yes is given.
type approveFlags struct {
	yes, dryRun, json bool
	plan, comment     string
}

func (c *cli) approveCommand() *cobra.Command {
	var flags approveFlags
	command := &cobra.Command{
		Use:   "approve ID",
		Short: "Say yes to what an incident would do: shows it first, and asks",
		Long: "Say yes to what an incident would do. It is shown first: the steps, the disks that go back and\n" +
			"those that stay, the checkpoint with its age, grade and digest. The yes is to exactly that, for\n" +
			"15 minutes, once; the gates are asked again after it.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeIncidents(waitsForAnswer),
	}
	output, dryRun := addOutput(command), addDryRun(command)
	command.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask: whatever is shown is approved")
	command.Flags().StringVar(&flags.plan, "plan", "", "do not ask: approve only the rung with this `digest`, at least 12 characters of it")
	command.Flags().StringVarP(&flags.comment, "comment", "m", "", "why, for those who read it later")
	mustComplete(command, "plan", cobra.NoFileCompletions)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		flags.json, flags.dryRun = output.json(), *dryRun
		if flags.plan != "" && len(flags.plan) < leastDigest {
			return wrongUse("cannot use --plan=%s: expected at least %d characters of the digest", flags.plan, leastDigest)
		}
		return c.approve(cmd.Context(), args[0], flags)
	}
	return command
}

// leastDigest is how much of a digest stands for all of it: 48 bits, as is shown.
const leastDigest = 12

func (c *cli) denyCommand() *cobra.Command {
	return c.verbCommand(oncall.Deny, waitsForAnswer, &cobra.Command{
		Use:   "deny ID --comment TEXT",
		Short: "Say no to what an incident would do: it is over, and nothing is done",
	})
}

func (c *cli) approve(ctx context.Context, id string, flags approveFlags) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	story, err := ask[oncall.Story](ctx, settings, oncall.AskIncident, oncall.IncidentQuery{Incident: id})
	if isDown(err) {
		return fmt.Errorf("cannot approve: only a running agent can act: %w", err)
	}
	if err != nil {
		return err
	}
	rung := heldRung(&story.Incident)
	if rung == nil {
		return fmt.Errorf("cannot approve incident %s: it is %s and waits for no answer", story.Incident.ID, story.Incident.State)
	}
	tellHeld(newScreen(c.err), &story.Incident, c.now())
	if flags.dryRun {
		newScreen(c.out).line(say("would approve that; nothing was said"))
		return nil
	}
	if err := c.agrees(ctx, *rung, flags); err != nil {
		return err
	}
	return c.sayYes(ctx, settings, story.Incident.ID, rung.Digest, flags)
}

// agrees returns nil once the person has agreed to a rung, by a flag or in person.
func (c *cli) agrees(ctx context.Context, rung remediate.PlannedRung, flags approveFlags) error {
	switch {
	case flags.plan != "" && !strings.HasPrefix(rung.Digest, strings.ToLower(flags.plan)):
		return fmt.Errorf("cannot approve what is not meant: the rung has the digest %s, not %s; look at what it would do now", rung.Digest, flags.plan)
	case flags.plan != "", flags.yes:
		return nil
	case !c.canAsk():
		return wrongUse("cannot approve without being asked: add --plan %s, or --yes", rung.Digest)
	}
	if !c.asks(ctx, "Do exactly this?") {
		return errors.New("nothing was approved")
	}
	return nil
}

func (c *cli) sayYes(ctx context.Context, s agent.Settings, id remediate.ID, digest string, flags approveFlags) error {
	reply, err := do(ctx, s, oncall.Approve, oncall.Request{Incident: string(id), Plan: digest, Comment: flags.comment})
	if err != nil {
		return err
	}
	return c.writeReply(reply, flags.json)
}

// canAsk reports whether a person can be asked: both what is shown and what is typed
// are on a terminal.
func (c *cli) canAsk() bool {
	typed, ok := c.in.(io.Writer) // a terminal's file is both
	return ok && terminal(typed) != nil && terminal(c.err) != nil
}

// asks puts a question to the person at the terminal. Only y and yes are a yes; an end
// of the input, or of ctx, is none.
func (c *cli) asks(ctx context.Context, question string) bool {
	fmt.Fprint(c.err, question+" [y/N] ")
	typed := make(chan string, 1)
	go func() { // it may hang for as long as the process lasts: nobody types any more
		line, _ := bufio.NewReader(io.LimitReader(c.in, 64)).ReadString('\n')
		typed <- line
	}()
	select {
	case line := <-typed:
		answer := strings.ToLower(strings.TrimSpace(line))
		return answer == "y" || answer == "yes"
	case <-ctx.Done():
		fmt.Fprintln(c.err)
		return false
	}
}
