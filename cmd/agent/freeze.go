package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

func (c *cli) freezeCommand() *cobra.Command {
	var length period
	command := &cobra.Command{
		Use:   "freeze [REASON]",
		Short: "Stop all acting: incidents are recorded and handed to people",
		Long: "Stop all acting: incidents are recorded and handed to people until somebody thaws.\n" +
			"With the agent down it is frozen by a file in its state directory, and stays so when it starts.",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	command.Flags().Var(&length, "for", "thaw by itself after so long: 30m, 2h (default: when somebody thaws)")
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		request := oncall.Request{Comment: strings.Join(args, " "), For: time.Duration(length)}
		if *dryRun {
			return c.wouldSwitch(cmd.Context(), "would freeze: nothing would be done until somebody thaws")
		}
		return c.freeze(cmd.Context(), request, output.json())
	}
	return command
}

func (c *cli) thawCommand() *cobra.Command {
	command := &cobra.Command{
		Use:               "thaw [REASON]",
		Short:             "Let the agent act again",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if *dryRun {
			return c.wouldSwitch(cmd.Context(), "would thaw: the agent would act again")
		}
		return c.thaw(cmd.Context(), oncall.Request{Comment: strings.Join(args, " ")}, output.json())
	}
	return command
}

// wouldSwitch says how the agent is and what would become of it.
func (c *cli) wouldSwitch(ctx context.Context, would string) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	status, err := ask[oncall.Status](ctx, c, settings, oncall.AskStatus, nil)
	now := frozenWords(status.Frozen)
	if c.isDown(err) {
		now, err = "the agent does not answer: its freeze file "+agent.FreezeFile(settings)+" would be written or removed", nil
	}
	if err != nil {
		return err
	}
	s := newScreen(c.out)
	s.line(say(would))
	s.line(say(now))
	return nil
}

func (c *cli) freeze(ctx context.Context, r oncall.Request, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	reply, err := c.do(ctx, settings, oncall.Freeze, r)
	if err != nil && !c.access.elsewhere() {
		if !c.isDown(err) && r.For == 0 {
			fmt.Fprintln(c.err, "nightshift: the agent could not be asked: "+err.Error())
		}
		reply, err = c.freezeByFile(agent.FreezeFile(settings), r, err)
	}
	if err != nil {
		return err
	}
	return c.writeReply(reply, json)
}

// freezeByFile freezes an agent that could not be told, whatever the reason: to
// freeze must work when nothing else does. A file can't thaw by itself.
func (c *cli) freezeByFile(file string, r oncall.Request, down error) (oncall.Reply, error) {
	if r.For > 0 {
		return oncall.Reply{}, fmt.Errorf("cannot freeze for %s: only a running agent thaws by itself; leave --for away: %w", span(r.For), down)
	}
	text := remediate.Brief(strings.TrimSpace(whoami()+": "+r.Comment)) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return oncall.Reply{}, fmt.Errorf("cannot freeze: the agent does not answer, and its freeze file can't be written: %w; use sudo", err)
	}
	done := "frozen by the file " + file + " until somebody thaws"
	if c.isDown(down) {
		done = "the agent does not answer; " + done
	}
	return oncall.Reply{Done: done}, nil
}

// whoami is who types, also behind sudo.
func whoami() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

// thaw takes the freeze file away, where there is one that may be taken, and
// then the freeze of the log.
func (c *cli) thaw(ctx context.Context, r oncall.Request, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	file, removed := agent.FreezeFile(settings), fs.ErrNotExist
	if !c.access.elsewhere() {
		removed = os.Remove(file)
	}
	reply, err := c.do(ctx, settings, oncall.Thaw, r)
	if c.isDown(err) {
		reply, err = thawedByFile(file, removed)
	}
	if err != nil {
		return err
	}
	return c.writeReply(reply, json)
}

// thawedByFile says what became of the freeze file of an agent that does not answer.
func thawedByFile(file string, removed error) (oncall.Reply, error) {
	const logged = "; a freeze in its log can be thawed only while it runs"
	switch {
	case removed == nil:
		return oncall.Reply{Done: "the agent does not answer; its freeze file " + file + " is removed" + logged}, nil
	case errors.Is(removed, fs.ErrNotExist):
		return oncall.Reply{}, errors.New("cannot thaw: the agent does not answer, and there is no freeze file " + file + logged)
	}
	return oncall.Reply{}, fmt.Errorf("cannot thaw: the agent does not answer, and its freeze file can't be removed: %w; use sudo", removed)
}

// frozenWords says whether the agent is frozen, by whom and why.
func frozenWords(f *remediate.Freeze) string {
	if f == nil {
		return "it is not frozen now"
	}
	until := "somebody thaws"
	if !f.Until.IsZero() {
		until = moment(f.Until.Wall)
	}
	return fmt.Sprintf("it is frozen since %s by %s until %s: %s", moment(f.At.Wall), f.By, until, cmp.Or(oneLine(f.Reason), "no reason given"))
}
