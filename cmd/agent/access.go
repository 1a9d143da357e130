package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
	"nightshift/remediate/oncall"
)

// access is how an agent is reached, and as whom. Empty, it is this host's agent, as
// its operator.
type access struct {
	url, key, ca, user, host string
}

// accessFlags are the flags that fill it.
var accessFlags = []string{"nats", "nkey", "ca", "user", "host"}

func (a *access) add(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.url, "nats", "", "ask the agent behind this `URL`, nats://… or tls://… (default: this host's)")
	flags.StringVar(&a.key, "nkey", "", "the `file` with the seed of your key (default: the operator's of this host)")
	flags.StringVar(&a.ca, "ca", "", "the `file` with the authority that the server's certificate must come from")
	flags.StringVar(&a.user, "user", "", "your `name` in `people` of the inventory (default: what the file of --nkey is called)")
	flags.StringVar(&a.host, "host", "", "which host's agent is meant (default: the only one that answers)")
	for _, name := range []string{"nats", "user", "host"} {
		mustComplete(root, name, cobra.NoFileCompletions)
	}
}

// elsewhere reports whether the agent is not this host's: then nothing of this
// machine stands in for it.
func (a *access) elsewhere() bool { return a.url != "" }

// onlyHere are the commands that look at this machine and ask no agent.
var onlyHere = []string{"run", "init", "check", "config", "user", "version", "completion", "vm adopt", "vm keep", "limit"}

// checkAccess refuses flags that would be passed over.
func checkAccess(command *cobra.Command) error {
	path := strings.TrimPrefix(command.CommandPath(), command.Root().Name()+" ")
	if !slices.ContainsFunc(onlyHere, func(here string) bool { return path == here || strings.HasPrefix(path, here+" ") }) {
		return nil
	}
	for _, name := range accessFlags {
		if f := command.Root().PersistentFlags().Lookup(name); f.Changed {
			return wrongUse("cannot use --%s with %s: it looks at this machine and asks no agent", name, command.CommandPath())
		}
	}
	return nil
}

// connect reaches the agent.
func (c *cli) connect(ctx context.Context, s agent.Settings) (*oncall.Client, error) {
	if err := c.access.check(); err != nil {
		return nil, err
	}
	a := c.access
	if !a.elsewhere() {
		return a.connectHere(s)
	}
	if a.host == "" {
		host, err := a.find(ctx)
		if err != nil {
			return nil, err
		}
		a.host = host
	}
	client, err := a.dial()
	if err != nil {
		return nil, err
	}
	return client, nil
}

// check finds what is wrong with the flags, and fills in who it is.
func (a *access) check() error {
	if a.elsewhere() {
		u, err := url.Parse(a.url)
		if err == nil && u.User != nil {
			return wrongUse("cannot use --nats: expected no name and no password in it; the key says who you are")
		}
		if a.key == "" {
			return wrongUse("cannot use --nats without a key: add --nkey with the file of your seed; `nightshift user key` makes one")
		}
	}
	if a.key != "" && a.user == "" {
		a.user = strings.TrimSuffix(filepath.Base(a.key), filepath.Ext(a.key))
	}
	if a.user != "" && !userNames.MatchString(a.user) {
		return wrongUse("cannot use the name %q: expected 1 to 63 of a-z, 0-9 and -; say who you are with --user", a.user)
	}
	if a.host != "" && !userNames.MatchString(a.host) { // as a host is named in the inventory
		return wrongUse("cannot use --host=%q: expected 1 to 63 of a-z, 0-9 and -", a.host)
	}
	return nil
}

// connectHere reaches the agent of this host: as its operator, or as whom the flags
// name.
func (a *access) connectHere(s agent.Settings) (*oncall.Client, error) {
	url, user, host, seed, err := agent.Operator(s)
	if err != nil {
		return nil, failure{statusConfig, err}
	}
	here := access{url: url, user: user, host: host, key: seed, ca: a.ca}
	if a.key != "" {
		here.key = a.key
	}
	if a.user != "" {
		here.user = a.user
	}
	if a.host != "" {
		here.host = a.host
	}
	client, err := here.dial()
	switch {
	case a.key != "":
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; be in group nightshift (`sudo usermod -aG nightshift $USER`, then log in anew), use sudo, or your own key (--nkey)", err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no agent has run here yet: %w", err)
	}
	return client, err
}

// find is the host of the only agent that answers behind the URL.
func (a *access) find(ctx context.Context) (string, error) {
	client, err := a.dial()
	if err != nil {
		return "", err
	}
	defer client.Close()
	hosts, err := client.Hosts(ctx)
	switch {
	case err != nil:
		return "", err
	case len(hosts) == 0:
		return "", fmt.Errorf("cannot find an agent behind %s: %w", a.url, oncall.ErrUnreachable)
	case len(hosts) > 1:
		return "", wrongUse("cannot tell which agent is meant: add --host with one of %s", strings.Join(hosts, ", "))
	}
	return hosts[0], nil
}

func (a *access) dial() (*oncall.Client, error) {
	var options []nats.Option
	if a.ca != "" {
		if _, err := readBounded(a.ca, maxCertificates); err != nil {
			return nil, failure{statusUsage, fmt.Errorf("cannot use --ca: %w", err)}
		}
		options = append(options, nats.RootCAs(a.ca))
	}
	if info, err := os.Stat(a.key); err == nil && info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("cannot use the key %s: everybody on this machine may read it; make another (nightshift user key), and have this one's public half taken out of the inventory", a.key)
	}
	return oncall.Connect(a.url, a.user, a.host, a.key, options...)
}

// maxCertificates bounds a file of certificates, in bytes.
const maxCertificates = 1 << 20
