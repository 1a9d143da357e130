package journal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nkeys"
)

// groupName is the group that sysusers.d makes for the agent and its operators.
const groupName = "nightshift"

// operatorKey is the public key of the operator, whose seed is made at the first
// start and can be read by the group.
func operatorKey(o *Options) (string, error) {
	name := seedFile(o.Dir)
	seed, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		seed, err = makeSeed(o, name)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the operator's key: %w", err)
	}
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		return "", fmt.Errorf("cannot read the operator's key %s: expected the seed of an nkey; remove the file to get a new one", name)
	}
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(public) {
		return "", fmt.Errorf("cannot use the operator's key %s: expected the seed of a user (SU…); remove the file to get a new one", name)
	}
	return public, nil
}

func seedFile(dir string) string { return filepath.Join(dir, "operator.nk") }

// makeSeed makes the operator's seed and gives it to the group.
func makeSeed(o *Options, name string) ([]byte, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	if err := writeDurably(name, seed); err != nil {
		return nil, err
	}
	return seed, giveTo(o.Group, name)
}

// giveTo lets a group read a file. Without a name it is the agent's own group
// where the system has it, and whichever group the process has where not. A file
// that is the group's already is left alone: the unit's SystemCallFilter= takes
// chown(2) away.
func giveTo(name, file string) error {
	group, err := user.LookupGroup(cmp.Or(name, groupName))
	if err != nil {
		if name == "" {
			return nil
		}
		return fmt.Errorf("cannot give %s to group %s: there is no such group", file, name)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return fmt.Errorf("cannot give %s to group %s: %w", file, group.Name, err)
	}
	if belongs(file, gid) {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Gid) == gid {
		return nil
	}
	return os.Chown(file, -1, gid)
}

// belongs is whether a file has that group already, as it does when the agent
// runs as its unit says: that unit may not change an owner, not even to the same.
func belongs(file string, gid int) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Gid) == gid
}

// natsContext is what the nats client keeps in a context: who one is, and where.
// The names are its own.
type natsContext struct {
	Description string `json:"description"`
	URL         string `json:"url"`
	NKey        string `json:"nkey"`
	CA          string `json:"ca,omitzero"`
}

// writeContext writes the context for the server at url, where the nats client
// looks when XDG_CONFIG_HOME is the state directory.
func writeContext(o *Options, url string) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("cannot write the nats context: %w", err)
	}
	ca := o.TLSCA
	if ca != "" {
		if ca, err = filepath.Abs(ca); err != nil {
			return fmt.Errorf("cannot write the nats context: %w", err)
		}
	}
	text, err := json.Marshal(natsContext{
		Description: "nightshift on " + o.Host, URL: url, NKey: seedFile(dir), CA: ca,
	}, jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("cannot write the nats context: %w", err)
	}
	contexts := filepath.Join(dir, "nats", "context")
	if err := makeDir(contexts); err != nil {
		return err
	}
	return writeDurably(filepath.Join(contexts, "nightshift.json"), append(text, '\n'))
}
