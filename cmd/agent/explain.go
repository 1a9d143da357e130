package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightshift/remediate"
	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// maxBody bounds what is explained, in bytes: as much as a webhook may have.
const maxBody = 8 << 20

func (c *cli) explainCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "explain -f FILE|- | --firing",
		Short: "Say what would become of alerts, and why; nothing is done",
		Long: "Say what would become of alerts: which playbook, which target, what its probes say now,\n" +
			"each gate's verdict, the ladder. Nothing is done.\n\n" +
			"The file is the body of a webhook, or what `amtool alert -o json` prints. With --firing the Alertmanagers of\n" +
			"NIGHTSHIFT_ALERTMANAGER_URL are asked for what fires now.",
		Example: "  nightshift explain --firing\n  amtool alert -o json | nightshift explain -f -",
		Args:    cobra.NoArgs,
	}
	file := command.Flags().StringP("file", "f", "", "where the alerts are; - is standard input")
	firing := command.Flags().Bool("firing", false, "those that fire now, as the Alertmanagers say")
	output := addOutput(command)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if (*file == "") != *firing {
			return wrongUse("cannot explain nothing, or twice: add -f FILE, -f - for standard input, or --firing for what fires now")
		}
		return c.explain(cmd.Context(), *file, output.json())
	}
	return command
}

// explain explains the alerts of a file; without one, those that fire.
func (c *cli) explain(ctx context.Context, file string, json bool) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	text, err := c.alertsOf(ctx, settings, file)
	if err != nil {
		return err
	}
	body, muted, err := webhookBody(text, c.now())
	if err != nil {
		return err
	}
	if muted > 0 {
		fmt.Fprintf(c.err, "nightshift: %s silenced or inhibited: Alertmanager would not send what is muted\n", areMany(muted))
	}
	answer, err := c.askExplain(ctx, settings, string(body))
	if err != nil {
		return err
	}
	if json {
		return writeJSON(c.out, answer)
	}
	if string(answer) == "[]" || string(answer) == "null" {
		fmt.Fprintln(c.err, "nothing fires")
		return nil
	}
	return tellExplanations(newScreen(c.out), answer)
}

// alertsOf reads a file of alerts; without one, those that fire.
func (c *cli) alertsOf(ctx context.Context, s agent.Settings, file string) ([]byte, error) {
	if file != "" {
		return c.readInput(file)
	}
	list, silent, err := agent.Firing(ctx, s)
	for _, err := range silent {
		fmt.Fprintf(c.err, "nightshift: %v; what follows is of the others\n", err)
	}
	return list, err
}

// readInput reads a file, or standard input for -.
func (c *cli) readInput(file string) ([]byte, error) {
	if file == "-" {
		return bounded(c.in, "standard input", maxBody)
	}
	text, err := readBounded(file, maxBody)
	if err != nil {
		return nil, fmt.Errorf("cannot read the alerts: %w", err)
	}
	return text, nil
}

func areMany(n int) string {
	if n == 1 {
		return "1 alert is"
	}
	return fmt.Sprintf("%d alerts are", n)
}

// askExplain asks the running agent, which knows its incidents; else what its
// state and the inventory say.
func (c *cli) askExplain(ctx context.Context, s agent.Settings, body string) (remediate.RawJSON, error) {
	answer, err := ask[remediate.RawJSON](ctx, c, s, oncall.AskExplain, oncall.ExplainQuery{Body: body})
	if !c.isDown(err) {
		return answer, err
	}
	c.sayDown("this is what its inventory and its state say")
	return agent.ExplainOffline(ctx, s, body)
}

// explanation is what the agent answers of one alert. See engine.Explanation,
// whose names these are.
type explanation struct {
	Alert        string                  `json:"alert"`
	Mine         bool                    `json:"mine"`
	Fate         remediate.Fate          `json:"fate"`
	Incident     remediate.ID            `json:"incident"`
	Playbook     string                  `json:"playbook"`
	Target       remediate.Target        `json:"target"`
	Observations []remediate.Observation `json:"observations"`
	Plan         remediate.Plan          `json:"plan"`
	Verdicts     []remediate.Verdict     `json:"verdicts"`
	Problem      string                  `json:"problem"`
}

func tellExplanations(s screen, answer remediate.RawJSON) error {
	var explanations []explanation
	if err := remediate.DecodeJSON(answer, &explanations); err != nil {
		return fmt.Errorf("cannot read the agent's answer: %w", err)
	}
	for n, x := range explanations {
		if n > 0 {
			s.line()
		}
		tellExplanation(s, x)
	}
	return nil
}

func tellExplanation(s screen, x explanation) {
	s.line(in(bold, "alert "+orDash(x.Alert)))
	if !x.Mine {
		s.line(say("  is not about this host: no matcher of host.alerts selects it; nothing would be done"))
		return
	}
	s.line(say("  " + fateWords(x)))
	if x.Playbook != "" {
		s.line(say("  playbook  " + x.Playbook))
		s.line(say("  target    " + orDash(x.Target.String())))
	}
	if x.Problem != "" {
		s.line(in(red, "  problem   "+oneLine(x.Problem)))
	}
	tellObservations(s, x.Observations)
	tellLadder(s, x.Plan)
	tellVerdicts(s, x.Verdicts)
}

// fateWords says what would become of an alert.
func fateWords(x explanation) string {
	switch x.Fate {
	case remediate.FateOpened:
		return "would open an incident"
	case remediate.FateJoined:
		return "would join incident " + string(x.Incident)
	case remediate.FateRepeated:
		return "is known to incident " + string(x.Incident) + " already"
	case remediate.FateUnmatched:
		return "has no playbook: it would be counted, and nothing done"
	case remediate.FateOver:
		return "has ended and had opened nothing: nothing would be done"
	case remediate.FateDropped:
		return "was dealt with before"
	}
	return string(x.Fate)
}

func tellObservations(s screen, observations []remediate.Observation) {
	if len(observations) == 0 {
		return
	}
	s.line(in(bold, "  probes now"))
	t := &table{head: []string{"  ", "PROBE", "ANSWER", "SEEN"}}
	for _, o := range observations {
		t.add(say(""), say(o.Probe), in(healthStyle(o.Health), o.Health.String()), say(o.Detail))
	}
	t.write(s)
}

func tellLadder(s screen, plan remediate.Plan) {
	if len(plan.Rungs) == 0 {
		return
	}
	s.line(in(bold, "  ladder"))
	t := &table{head: []string{"  ", "#", "RUNG", "RISK", "STEPS"}}
	for n, rung := range plan.Rungs {
		t.add(say(""), say(fmt.Sprint(n+1)), say(rung.Name), say(rung.Risk().String()), say(stepNames(rung)))
	}
	t.write(s)
}

func tellVerdicts(s screen, verdicts []remediate.Verdict) {
	if len(verdicts) == 0 {
		return
	}
	s.line(in(bold, "  gates for the first rung"))
	t := &table{head: []string{"  ", "GATE", "VERDICT", "WHY"}}
	for _, v := range verdicts {
		t.add(say(""), say(v.Gate), in(decisionStyle(v.Decision), string(v.Decision)), say(verdictWhy(v)))
	}
	t.write(s)
}

func verdictWhy(v remediate.Verdict) string {
	text := string(v.Reason)
	if v.Detail != "" {
		text += ": " + oneLine(v.Detail)
	}
	if !v.Until.IsZero() {
		text += ", until " + v.Until.Wall.Local().Format(time.TimeOnly)
	}
	if v.Next != "" {
		text += ", then " + string(v.Next)
	}
	return text
}

func decisionStyle(d remediate.Decision) style {
	switch d {
	case remediate.Allow:
		return green
	case remediate.Refuse:
		return red
	}
	return yellow
}
