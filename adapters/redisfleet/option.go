package redisfleet

// DefaultPrefix begins every key unless [WithPrefix] says otherwise.
const DefaultPrefix = "bgtransform:"

// Option changes a setting of [New].
type Option interface {
	apply(config) config
}

type config struct {
	prefix string
}

func newConfig(opts []Option) config {
	c := config{prefix: DefaultPrefix}
	for _, o := range opts {
		c = o.apply(c)
	}
	return c
}

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

// WithPrefix begins every key with prefix instead of [DefaultPrefix], to keep apart
// applications that share a Redis. All instances of a pool must use the same. It must
// have no braces.
func WithPrefix(prefix string) Option {
	return optionFunc(func(c config) config {
		c.prefix = prefix
		return c
	})
}
