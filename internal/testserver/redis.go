package testserver

import "testing"

// Redis is a Redis server without a password. It keeps nothing on the disk: after
// [Server.Kill] and after [Server.Stop] it starts empty.
type Redis struct{ *Server }

// SharedRedis returns the server that all tests of this process share. It may not
// be killed.
func SharedRedis(t testing.TB) *Redis {
	t.Helper()
	return &Redis{share(t, func(s *session) *once[*instance] { return &s.redis }, alone().launch)}
}

// StartRedis starts a server for one test, with arguments like "--appendonly",
// "yes".
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	return alone(args...).start(t)
}

// StartRedisBy is [StartRedis] for a server that goes by a clock.
func StartRedisBy(t testing.TB, clock *Clock, args ...string) *Redis {
	t.Helper()
	role := alone(args...)
	role.clock = clock
	return role.start(t)
}

// URL returns the address as redis.ParseURL takes it.
func (r *Redis) URL() string { return "redis://" + r.Addr() + "/0" }
