package agent

import (
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
)

// operatorUser is the user on NATS that this host's operators are.
const operatorUser = "operator"

// Operator says how the command line reaches the agent on this host: where, as
// whom, which host, and the file that holds the seed.
func (a *Agent) Operator() (url, user, host, seedFile string) {
	return "nats://" + a.journal.Addr(), operatorUser, a.file().Host.Name, seedFileIn(a.settings)
}

// Operator says the same of an agent that runs elsewhere with these settings. The
// url is the one that the agent wrote down at its start.
func Operator(s Settings) (url, user, host, seedFile string, err error) {
	file, err := s.Inventory()
	if err != nil {
		return "", "", "", "", err
	}
	return urlOf(s), operatorUser, file.Host.Name, seedFileIn(s), nil
}

func seedFileIn(s Settings) string { return filepath.Join(s.StateDir, "operator.nk") }

// urlOf reads the context that the agent writes for the nats client; where it
// can't be read, the setting is what is left.
func urlOf(s Settings) string {
	text, err := os.ReadFile(filepath.Join(s.StateDir, "nats", "context", "nightshift.json"))
	var context struct {
		URL string `json:"url"`
	}
	if err != nil || json.Unmarshal(text, &context) != nil || context.URL == "" {
		return "nats://" + s.NATSListen
	}
	return context.URL
}
