package inventory

func (c *checker) checkGroups() {
	units := sorted(c.file.Units)
	for _, name := range sorted(c.file.Groups) {
		path, group := join("groups", name), c.file.Groups[name]
		c.isToken(path, name)
		c.need(path, "units", "the units that stand in for each other")
		c.need(path, "min_healthy", "how many of them must stay healthy")
		c.known(join(path, "units"), group.Units, "unit of this file", units)
		c.between(join(path, "min_healthy"), group.MinHealthy.Count, 0, len(group.Units))
	}
}
