package guard

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"nightshift/remediate"
)

var update = flag.Bool("update", false, "write docs/gates.md anew")

const page = "../../docs/gates.md"

// intro stands above the tables.
const intro = `# Gates and reasons

Before a rung is climbed, and again directly before each of its steps, also after a
crash, the gates are asked whether that may be done now. They are asked in this
order, and the first that does not allow decides. A **wait** ends at a time or with
another incident, and then the probes and the gates are asked again; a **hold** waits
for a person; a **refusal** leads to the state that is named. Once a step was done a
refusal never ends an incident quietly: people get it.

The reason code is the same word in the incident, the log, the event and the label
` + "`reason` of `nightshift_refusals_total`" + `. ` + "`nightshift explain`" + ` shows what each gate would
say to an alert.

| gate | reason code | verdict | next state | meaning |
|---|---|---|---|---|
`

const others = `
The other reasons are those for which an incident waits, goes to people, or ends:

| reason code | meaning |
|---|---|
`

// rendered is the page as it should be.
func rendered(t *testing.T) string {
	var b strings.Builder
	b.WriteString(intro)
	said := map[string]bool{}
	for _, gate := range Gates {
		for _, a := range gate.Answers() {
			said[string(a.Reason)] = true
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", gate.Name, a.Reason, a.Decision, next(a), a.Means)
		}
	}
	b.WriteString(others)
	for _, r := range reasons(t) {
		if !said[r.code] {
			fmt.Fprintf(&b, "| `%s` | %s |\n", r.code, r.means)
		}
	}
	return b.String()
}

func next(a Answer) string {
	if a.Decision == remediate.Refuse {
		return string(a.Next)
	}
	return map[remediate.Decision]string{remediate.Wait: "waiting", remediate.Hold: "held"}[a.Decision]
}

type reason struct{ code, means string }

// reasons are the constants of remediate/reason.go with what stands beside them.
func reasons(t *testing.T) (all []reason) {
	file, err := parser.ParseFile(token.NewFileSet(), "../reason.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if means := strings.TrimSpace(spec.Comment.Text()); err == nil && means != "" {
			all = append(all, reason{code, means})
			return true
		}
		t.Errorf("%s says nothing of what it means", spec.Names[0])
		return true
	})
	return all
}

func TestThePageOfGates(t *testing.T) {
	want := rendered(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/gates.md is not what the table says; write it anew with go test ./remediate/guard -update")
	}
}
