package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"nightshift/remediate"
)

// Ruleset is where nightshift-firewall.service keeps what nft(8) lists: only root
// may ask the kernel for it.
const Ruleset = "run/nightshift-firewall/ruleset.json"

// Firewall answers [remediate.SeeFirewall]: the rules of nftables that count, with
// what they have counted, and how full the table of connections is.
func (s Sights) Firewall(look remediate.Look) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	var text strings.Builder
	if n, err := s.number("proc/sys/net/netfilter/nf_conntrack_count"); err == nil {
		most, _ := s.number("proc/sys/net/netfilter/nf_conntrack_max")
		fmt.Fprintf(&text, "connections tracked: %s of %s\n", n, most)
	}
	info, err := fs.Stat(s.root(), Ruleset)
	var ruleset []byte
	if err == nil {
		ruleset, err = fs.ReadFile(s.root(), Ruleset)
	}
	if err == nil {
		fmt.Fprintf(&text, "counters as of %s:\n", info.ModTime().UTC().Format(time.RFC3339))
		err = counters(ruleset, &text)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("there is no /" + Ruleset + ": nightshift-firewall.timer is to write it")
	}
	if err != nil {
		seen.Error = "cannot see the counters of the firewall: " + remediate.Brief(err.Error())
	}
	seen.Text = text.String()
	return seen
}

func (s Sights) number(file string) (string, error) {
	text, err := fs.ReadFile(s.root(), file)
	return strings.TrimSpace(string(text)), err
}

// nftables is what is read of libnftables-json(5).
type nftables struct {
	Nftables []struct {
		Chain   *struct{ Family, Table, Name, Hook, Policy string }
		Counter *struct {
			Family, Table, Name string
			count
		}
		Rule *struct {
			Family, Table, Chain, Comment string
			Handle                        int
			Expr                          []map[string]json.RawMessage
		}
	}
}

// count is what a counter has.
type count struct{ Packets, Bytes uint64 }

// verdicts are the statements that say what becomes of a packet.
var verdicts = []string{"accept", "drop", "reject", "queue", "return", "jump", "goto"}

// counters writes a line for each chain with a policy, named counter, and rule
// that counts.
func counters(ruleset []byte, text *strings.Builder) error {
	var all nftables
	if err := json.Unmarshal(ruleset, &all); err != nil {
		return fmt.Errorf("the ruleset is none of nft's: %w", err)
	}
	for _, one := range all.Nftables {
		switch {
		case one.Chain != nil && one.Chain.Policy != "":
			c := one.Chain
			fmt.Fprintf(text, "chain %s %s %s: %s, policy %s\n", c.Family, printable(c.Table), printable(c.Name), c.Hook, c.Policy)
		case one.Counter != nil:
			c := one.Counter
			fmt.Fprintf(text, "counter %s %s %s: %d packets, %s\n", c.Family, printable(c.Table), printable(c.Name), c.Packets, bytesOf(int64(c.Bytes)))
		case one.Rule != nil:
			r := one.Rule
			if counted, verdict, ok := ruleCounts(r.Expr); ok {
				fmt.Fprintf(text, "rule %s %s %s #%d %s%s: %d packets, %s\n", r.Family, printable(r.Table), printable(r.Chain), r.Handle,
					verdict, comment(r.Comment), counted.Packets, bytesOf(int64(counted.Bytes)))
			}
		}
	}
	return nil
}

// ruleCounts is what a rule has counted, and what it does with a packet.
func ruleCounts(statements []map[string]json.RawMessage) (c count, verdict string, ok bool) {
	verdict = "goes on"
	for _, statement := range statements {
		if raw, has := statement["counter"]; has && json.Unmarshal(raw, &c) == nil {
			ok = true
		}
		for _, word := range verdicts {
			if _, has := statement[word]; has {
				verdict = word
			}
		}
	}
	return c, verdict, ok
}

func comment(text string) string {
	if text == "" {
		return ""
	}
	return " " + fmt.Sprintf("%q", printable(text))
}
