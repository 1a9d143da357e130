package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// approveFlags say how a yes is given.
type approveFlags struct {
	yes, again, dryRun, json bool
	digest, comment          string
}

func (c *cli) approveCommand() *cobra.Command {
	var flags approveFlags
	command := &cobra.Command{
		Use:   "approve ID",
		Short: "Say yes to what an incident would do: shows it first, and asks",
		Long: "Say yes to what an incident would do. It is shown first: what was seen, the steps, what is lost by them,\n" +
			"the disks that go back and those that stay, the checkpoint with its age, grade and digest. The yes is to\n" +
			"exactly that, for 15 minutes, once; the gates are asked again after it. Where nobody answered in time,\n" +
			"--again has it planned anew first.",
		Args: cobra.ExactArgs(1),
	}
	command.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		fit := fitsApprove
		if flags.again {
			fit = fitsAgain
		}
		return c.completeIncidents(oncall.Filter{Open: true}, fit)(cmd, args, typed)
	}
	output, dryRun := addOutput(command), addDryRun(command)
	command.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask: whatever is shown is approved, or with --digest only that")
	command.Flags().StringVar(&flags.digest, "digest", "", "do not ask: approve only the rung with this `digest`, at least 12 characters of it")
	command.Flags().BoolVar(&flags.again, "again", false, "plan anew what nobody approved in time, then ask")
	command.Flags().StringVarP(&flags.comment, "comment", "m", "", "why, for those who read it later")
	command.Flags().SetNormalizeFunc(digestByItsOldName)
	mustComplete(command, "digest", cobra.NoFileCompletions)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		flags.json, flags.dryRun = output.json(), *dryRun
		if flags.digest != "" && len(flags.digest) < leastDigest {
			return wrongUse("cannot use --digest=%s: expected at least %d characters of the digest", flags.digest, leastDigest)
		}
		return c.approve(cmd.Context(), args[0], flags)
	}
	return command
}

// digestByItsOldName takes --plan for --digest: scripts have it.
func digestByItsOldName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "plan" {
		name = "digest"
	}
	return pflag.NormalizedName(name)
}

// leastDigest is how much of a digest stands for all of it: 48 bits, as is shown.
const leastDigest = 12

func (c *cli) approve(ctx context.Context, id string, flags approveFlags) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	story, err := ask[oncall.Story](ctx, c, settings, oncall.AskIncident, oncall.IncidentQuery{Incident: id})
	if c.isDown(err) {
		return fmt.Errorf("cannot approve: only a running agent can act: %w", err)
	}
	if err == nil && flags.again && !flags.dryRun {
		story, err = c.planAgain(ctx, settings, story.Incident.ID, flags.comment)
	}
	if err != nil {
		return err
	}
	rung := heldRung(&story.Incident)
	if rung == nil {
		return notHeld(&story.Incident)
	}
	s := newScreen(c.err)
	tellAsked(s, story, c.now())
	if flags.dryRun {
		newScreen(c.out).line(say("would approve that; nothing was said"))
		return nil
	}
	if err := c.agrees(ctx, *rung, flags); err != nil {
		return err
	}
	reply, err := c.do(ctx, settings, oncall.Approve, oncall.Request{Incident: string(story.Incident.ID), Plan: rung.Digest, Comment: flags.comment})
	if err != nil {
		return err
	}
	return c.writeReply(reply, flags.json)
}

// notHeld says that there is nothing to approve, and what can be done instead.
func notHeld(i *remediate.Incident) error {
	instead := ""
	if fitsAgain(oncall.Summarise(i)) {
		instead = "; nobody answered in time: add --again to have it planned anew"
	}
	return fmt.Errorf("cannot approve incident %s: it is %s and waits for no answer%s", i.ID, i.State, instead)
}

// plannedWithin bounds the wait for a new plan: the probes are asked, and then the
// gates, who may have it wait for their own reasons.
const plannedWithin = time.Minute

// planAgain has an incident planned anew and waits until it asks, or comes to
// something else.
func (c *cli) planAgain(ctx context.Context, s agent.Settings, id remediate.ID, comment string) (oncall.Story, error) {
	if _, err := c.do(ctx, s, oncall.Approve, oncall.Request{Incident: string(id), Again: true, Comment: comment}); err != nil {
		return oncall.Story{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, plannedWithin)
	defer cancel()
	tick := time.NewTicker(lookAgain / 4)
	defer tick.Stop()
	for {
		story, err := ask[oncall.Story](ctx, c, s, oncall.AskIncident, oncall.IncidentQuery{Incident: string(id)})
		if state := story.Incident.State; err != nil || state == remediate.Held || over(state) {
			return story, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return story, fmt.Errorf("incident %s is planned anew, and is %s now; when it asks: nightshift approve %s", id, underWay(&story.Incident), id)
		}
	}
}

// agrees returns nil once the person has agreed to a rung, by a flag or in person.
func (c *cli) agrees(ctx context.Context, rung remediate.PlannedRung, flags approveFlags) error {
	switch {
	case flags.digest != "" && !strings.HasPrefix(rung.Digest, strings.ToLower(flags.digest)):
		return fmt.Errorf("cannot approve what is not meant: the rung has the digest %s, not %s; look at what it would do now", rung.Digest, flags.digest)
	case flags.digest != "", flags.yes:
		return nil
	case !c.canAsk():
		return wrongUse("cannot approve without being asked: add --yes --digest %s", rung.Digest)
	}
	if !c.asks(ctx, "Do exactly this?") {
		return errors.New("nothing was approved")
	}
	return nil
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
