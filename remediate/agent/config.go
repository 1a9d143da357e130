package agent

import (
	"errors"
	"slices"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/inventory"
)

// ErrConfig says that the configuration is wrong: starting again does not help, a
// person has to mend it.
var ErrConfig = errors.New("the configuration is wrong")

// configError is an error of the configuration, in its own words alone.
type configError struct{ error }

func (e configError) Is(target error) bool { return target == ErrConfig }
func (e configError) Unwrap() error        { return e.error }

// read reads the whole configuration. Each error of it is [ErrConfig].
func read(s Settings, before inForce) (*inventory.File, engine.Config, map[string]prober, error) {
	if err := s.checkOwn(); err != nil {
		return nil, engine.Config{}, nil, configError{err}
	}
	file, err := s.Inventory()
	if err != nil {
		return nil, engine.Config{}, nil, configError{errors.Join(err, checkExposure(s))}
	}
	config, err := configure(s, file)
	probes, probesErr := makeProbes(s, file, before)
	_, alertmanagersErr := alertmanagers(s)
	if err := errors.Join(checkExposure(s), err, probesErr, alertmanagersErr); err != nil {
		return nil, engine.Config{}, nil, configError{err}
	}
	return file, config, probes, nil
}

// CheckConfig finds what is wrong with an inventory that the loader can't know:
// what its playbooks name, and what the settings have to do with it.
func CheckConfig(s Settings, file *inventory.File) error {
	_, err := configure(s, file)
	_, probesErr := makeProbes(s, file, inForce{})
	_, alertmanagersErr := alertmanagers(s)
	return errors.Join(err, probesErr, alertmanagersErr)
}

// Recipes are the playbooks that the inventory of the settings turns on, coded and in
// YAML, with its figures in the place of their own; also where something else is wrong
// with them, which the error says.
func Recipes(s Settings) ([]remediate.Playbook, error) {
	file, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	config, err := configure(s, file)
	return slices.Concat(config.Playbooks, config.Asked), err
}
