package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nightshift/remediate"
)

// TestEachCommandIsDocumented holds docs/commands.md to the commands: each has its
// section, and in it each of its flags, and no other.
func TestEachCommandIsDocumented(t *testing.T) {
	if diff := cmp.Diff(flagsOfTheCommands(new(cli).root()), flagsOfTheDocs(readDocs(t))); diff != "" {
		t.Errorf("docs/commands.md (-commands +docs):\n%s", diff)
	}
}

func TestEachFlagOfAllCommandsIsDocumented(t *testing.T) {
	docs := readDocs(t)
	new(cli).root().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(docs, "| `--"+f.Name) {
			t.Errorf("docs/commands.md does not name --%s", f.Name)
		}
	})
}

func TestEachStateIsDocumented(t *testing.T) {
	docs := readDocs(t)
	for _, state := range stateNames() {
		if !strings.Contains(docs, "`"+state+"`") {
			t.Errorf("docs/commands.md does not name the state %s", state)
		}
	}
	if want := len(remediate.LiveStates) + len(remediate.EndedStates); len(stateNames()) != want {
		t.Errorf("there are %d states, want %d", len(stateNames()), want)
	}
}

// TestEachCommandSaysWhatItDoes holds the help to being one.
func TestEachCommandSaysWhatItDoes(t *testing.T) {
	walk(new(cli).root(), func(command *cobra.Command) {
		if command.Short == "" || strings.HasSuffix(command.Short, ".") {
			t.Errorf("%s: its short help is %q", command.CommandPath(), command.Short)
		}
		command.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s has no help", command.CommandPath(), f.Name)
			}
		})
	})
}

func readDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// walk calls f with a command and all beneath it that people call.
func walk(command *cobra.Command, f func(*cobra.Command)) {
	f(command)
	for _, child := range command.Commands() {
		if child.Name() != "help" {
			walk(child, f)
		}
	}
}

func flagsOfTheCommands(root *cobra.Command) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	walk(root, func(command *cobra.Command) {
		if !command.HasParent() {
			return
		}
		flags := map[string]bool{}
		command.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			name := "--" + f.Name
			if f.Shorthand != "" {
				name += " -" + f.Shorthand
			}
			flags[name] = true
		})
		all[strings.TrimSuffix(command.UseLine(), " [flags]")] = flags
	})
	return all
}

var (
	commandSection = regexp.MustCompile("^## `(nightshift .+)`$")
	flagRow        = regexp.MustCompile("^\\| `(--[a-z-]+)`(?:, `(-[a-z])`)? \\|")
)

// flagsOfTheDocs are the first cells of the tables, by the heading above.
func flagsOfTheDocs(text string) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	var current map[string]bool
	for _, line := range strings.Split(text, "\n") {
		if found := commandSection.FindStringSubmatch(line); found != nil {
			current = map[string]bool{}
			all[found[1]] = current
			continue
		}
		if found := flagRow.FindStringSubmatch(line); found != nil && current != nil {
			current[strings.TrimSpace(found[1]+" "+found[2])] = true
		}
	}
	return all
}

func TestEachExitStatusIsDocumented(t *testing.T) {
	docs := readDocs(t)
	for _, status := range []int{statusOK, statusFailed, statusUsage, statusConfig} {
		if !strings.Contains(docs, fmt.Sprintf("\n| %d | ", status)) {
			t.Errorf("docs/commands.md does not say what exit status %d means", status)
		}
	}
}
