package tributary.bench;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What a join makes of two events. */
public record Pair(
    @JsonProperty("user") String user, @JsonProperty("page") String page, @JsonProperty("cents") long cents) {
  static Pair of(Event left, Event right) {
    return new Pair(left.user(), left.page(), left.cents() + right.cents());
  }
}
