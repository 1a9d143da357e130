package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
	"nightshift/remediate/rehearsal"
)

func (c *cli) playbookTestCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "test FILE...",
		Short: "Rehearse playbooks in virtual time, and compare with what their tests expect",
		Long: "Rehearse playbooks in virtual time, and compare with what their tests expect. A test file says which alerts\n" +
			"come, what each probe and step would answer, and which incidents, verdicts, rungs and outcomes are to come of\n" +
			"it. The engine and the gates are the real ones; nothing is asked of this host, and no agent need run.",
		Example: "  nightshift playbook test /etc/nightshift/playbooks/*.test.yaml",
		Args:    cobra.MinimumNArgs(1),
	}
	stories := command.Flags().Bool("story", false, "tell what happened in each test, also where it is as expected")
	output := addOutput(command)
	command.RunE = func(_ *cobra.Command, args []string) error {
		settings, err := c.settings()
		if err != nil {
			return err
		}
		var files []rehearsedFile
		for _, path := range args {
			reports, err := agent.Rehearse(settings, path)
			files = append(files, rehearsedFile{path, reports, err})
		}
		return c.tellRehearsals(files, *stories, output.json())
	}
	return command
}

// rehearsedFile is what came of one file.
type rehearsedFile struct {
	path    string
	reports []rehearsal.Report
	err     error
}

// tellRehearsals tells all of it, and ends with the status of a failure where anything
// differs or could not be rehearsed.
func (c *cli) tellRehearsals(files []rehearsedFile, stories, json bool) error {
	tests, differ, unread := 0, 0, 0
	for _, f := range files {
		tests += len(f.reports)
		for _, r := range f.reports {
			if len(r.Differences) > 0 {
				differ++
			}
		}
		if f.err != nil {
			unread++
		}
	}
	if json {
		if err := writeJSON(c.out, inJSON(files)); err != nil {
			return err
		}
	} else {
		s := newScreen(c.out)
		for _, f := range files {
			tellFile(s, f, stories)
		}
		s.line(say(fmt.Sprintf("%s, %d as expected, %d not", count(tests, "test"), tests-differ, differ)))
	}
	if differ+unread > 0 {
		return failure{status: statusFailed}
	}
	return nil
}

func tellFile(s screen, f rehearsedFile, stories bool) {
	s.line(in(bold, f.path))
	for _, r := range f.reports {
		if len(r.Differences) == 0 {
			s.line(in(green, "  as expected  "), say(r.Name))
		} else {
			s.line(in(red, "  differs      "), say(r.Name))
		}
		for _, d := range r.Differences {
			tellIndented(s, d.Error())
		}
		if stories || len(r.Differences) > 0 {
			tellStories(s, r.Result)
		}
	}
	if f.err != nil {
		tellIndented(s, f.err.Error())
	}
}

func tellIndented(s screen, text string) {
	for _, line := range textLines(text) {
		s.line(say("    " + line))
	}
}

// tellStories tells what came of a test, incident by incident.
func tellStories(s screen, r rehearsal.Result) {
	for _, i := range r.Incidents {
		s.line(in(bold, fmt.Sprintf("    incident of %s about %s", i.Playbook.Name, orDash(i.Target.String()))))
		t := teller{screen: s, opened: r.Began}
		for _, e := range r.Events {
			if e.Incident == i.ID {
				words := t.words(oncall.Entry{Event: e})
				s.line(in(faint, fmt.Sprintf("%14s  ", "+"+span(r.Since(e.At)))), words.head)
				for _, line := range words.lines {
					s.line(say(strings.Repeat(" ", 18) + line))
				}
			}
		}
	}
	if len(r.Incidents) == 0 {
		s.line(say("    nothing came of it"))
		for _, told := range r.Told {
			s.line(say(fmt.Sprintf("    %14s  the alert %s is %s", "+"+span(told.At), told.Alert.Name(), told.Fate)))
		}
	}
}

// jsonFile, jsonTest and jsonIncident are what --output json has of a file.
type jsonFile struct {
	File  string     `json:"file"`
	Error string     `json:"error,omitzero"`
	Tests []jsonTest `json:"tests"`
}

type jsonTest struct {
	Name        string                 `json:"name"`
	OK          bool                   `json:"ok"`
	Differences []rehearsal.Difference `json:"differences"`
	Incidents   []jsonIncident         `json:"incidents"`
}

type jsonIncident struct {
	Playbook string           `json:"playbook"`
	Target   remediate.Target `json:"target"`
	State    remediate.State  `json:"state"`
	Reason   remediate.Reason `json:"reason"`
	Detail   string           `json:"detail,omitzero"`
	Steps    []string         `json:"steps"`
	// Opened and Since are the times since the beginning, in seconds.
	Opened float64 `json:"openedSeconds"`
	Since  float64 `json:"sinceSeconds"`
}

func inJSON(files []rehearsedFile) []jsonFile {
	all := []jsonFile{}
	for _, f := range files {
		file := jsonFile{File: f.path, Tests: []jsonTest{}}
		if f.err != nil {
			file.Error = f.err.Error()
		}
		for _, r := range f.reports {
			test := jsonTest{Name: r.Name, OK: len(r.Differences) == 0, Differences: append([]rehearsal.Difference{}, r.Differences...), Incidents: []jsonIncident{}}
			for _, i := range r.Result.Incidents {
				test.Incidents = append(test.Incidents, incidentJSON(i, r.Result))
			}
			file.Tests = append(file.Tests, test)
		}
		all = append(all, file)
	}
	return all
}

func incidentJSON(i remediate.Incident, r rehearsal.Result) jsonIncident {
	one := jsonIncident{
		Playbook: i.Playbook.Name, Target: i.Target, State: i.State, Reason: i.Reason, Detail: i.Detail, Steps: []string{},
		Opened: r.Since(i.OpenedAt).Seconds(), Since: r.Since(i.Since).Seconds(),
	}
	for _, e := range r.Events {
		if e.Incident == i.ID && e.Started != nil {
			one.Steps = append(one.Steps, e.Started.What.String())
		}
	}
	return one
}

func (c *cli) playbookCheckCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "check FILE...",
		Short: "Read playbooks in YAML, and say all that is wrong with them",
		Long: "Read playbooks in YAML, and say all that is wrong with them, each with its line. Where NIGHTSHIFT_CONFIG names an\n" +
			"inventory, what they name has to be in it. No agent need run.",
		Example: "  NIGHTSHIFT_CONFIG=/etc/nightshift/nightshift.yaml nightshift playbook check playbooks/*.yaml",
		Args:    cobra.MinimumNArgs(1),
	}
	command.RunE = func(_ *cobra.Command, args []string) error {
		settings, err := c.settings()
		if err != nil {
			return err
		}
		read, wrong := agent.CheckPlaybooks(settings, args)
		for _, err := range wrong {
			fmt.Fprintln(c.err, "nightshift: "+err.Error())
		}
		if len(wrong) > 0 {
			return failure{status: statusFailed}
		}
		s := newScreen(c.out)
		for n, p := range read {
			s.line(say(fmt.Sprintf("%s: playbook %s, %s", args[n], p.Name, count(len(p.Ladder), "rung"))))
		}
		return nil
	}
	return command
}
