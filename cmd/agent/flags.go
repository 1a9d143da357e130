package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"
)

// choice is a flag that takes one of some words.
type choice struct {
	value   string
	choices []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "word" }

// Set takes one of the words.
func (c *choice) Set(value string) error {
	if !slices.Contains(c.choices, value) {
		return fmt.Errorf("expected one of %s", strings.Join(c.choices, ", "))
	}
	c.value = value
	return nil
}

// addChoice adds a flag of some words, which are completed.
func addChoice(command *cobra.Command, c *choice, name, short, usage string) {
	command.Flags().VarP(c, name, short, usage)
	mustComplete(command, name, cobra.FixedCompletions(c.choices, cobra.ShellCompDirectiveNoFileComp))
}

// mustComplete binds a completion to a flag that is there.
func mustComplete(command *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic("cannot complete --" + flag + ": " + err.Error())
	}
}

// addOutput adds --output to a command whose answer can be read by a program.
func addOutput(command *cobra.Command) *choice {
	output := &choice{"table", []string{"table", "json"}}
	addChoice(command, output, "output", "o", "how the answer is written: table or json")
	return output
}

func (c *choice) json() bool { return c.value == "json" }

// addDryRun adds --dry-run to a command that does something.
func addDryRun(command *cobra.Command) *bool {
	return command.Flags().Bool("dry-run", false, "say what would be done, and do nothing")
}

// period is a duration with days and weeks, as Prometheus writes it.
type period time.Duration

func (p *period) String() string {
	if *p == 0 {
		return ""
	}
	return model.Duration(*p).String()
}

func (p *period) Type() string { return "duration" }

// Set reads 30m, 1h30m or 7d.
func (p *period) Set(value string) error {
	d, err := model.ParseDuration(value)
	if err != nil || d == 0 {
		return fmt.Errorf("expected a duration such as 30m, 1h30m or 7d")
	}
	*p = period(d)
	return nil
}

// since is a flag that says how far back to look: a duration before now, or a time.
type since struct {
	text string
	back time.Duration
	at   time.Time
}

func (s *since) String() string { return s.text }
func (s *since) Type() string   { return "time" }

// Set reads 7d, 2026-08-01, 2026-08-01T14:00 or a time of RFC 3339. Times without a
// zone are local.
func (s *since) Set(value string) error {
	var back period
	if back.Set(value) == nil {
		*s = since{text: value, back: time.Duration(back)}
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, value, time.Local); err == nil {
			*s = since{text: value, at: at}
			return nil
		}
	}
	return fmt.Errorf("expected a duration such as 7d, or a time such as 2026-08-01T14:00")
}

// before is the time that is meant; the zero time when none was given.
func (s *since) before(now time.Time) time.Time {
	if s.back > 0 {
		return now.Add(-s.back).UTC()
	}
	return s.at.UTC()
}
