// Zones of the map: the dots within a lasso.

/** True if a place lies within a polygon: a ray from it crosses the edges an odd number of times. */
function within({ x, y }, polygon) {
  let inside = false;
  polygon.forEach((a, i) => {
    const b = polygon[(i + 1) % polygon.length];
    if (a.y > y !== b.y > y && x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
  });
  return inside;
}

/** The dots within a lasso. */
export const inLasso = (dots, lasso) => dots.filter((dot) => within(dot, lasso));

/** One of the dots at random, each equally likely. */
export const anyOf = (dots) => dots[Math.floor(Math.random() * dots.length)];
