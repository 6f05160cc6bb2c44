// The visible part of the map, and the conversion between its places and the screen. Places are 0..1 from left and from below.

const EDGE = 0.07; // margin around the sounds
const MAX_ZOOM = 40;

const clamp = (low, value, high) => Math.min(high, Math.max(low, value));

/** The nearest place within the map, as the server accepts it. */
export const clipped = ({ x, y }) => ({ x: clamp(0, x, 1), y: clamp(0, y, 1) });

export class View {
  constructor() {
    this.width = this.height = 1;
    this.fit();
  }

  /** Show the whole map. */
  fit() {
    this.zoom = 1;
    this.x = this.y = 0.5;
  }

  scale() {
    const part = this.zoom / (1 + 2 * EDGE);
    return [this.width * part, this.height * part];
  }

  toScreen({ x, y }) {
    const [sx, sy] = this.scale();
    return [(x - this.x) * sx + this.width / 2, (this.y - y) * sy + this.height / 2];
  }

  toPlace(px, py) {
    const [sx, sy] = this.scale();
    return { x: (px - this.width / 2) / sx + this.x, y: this.y - (py - this.height / 2) / sy };
  }

  holds(place) {
    const [x, y] = this.toScreen(place);
    return x >= 0 && y >= 0 && x <= this.width && y <= this.height;
  }

  /** Enlarge around a place of the screen, which stays where it is. */
  enlarge(factor, px = this.width / 2, py = this.height / 2) {
    const before = this.toPlace(px, py);
    this.zoom = clamp(1, this.zoom * factor, MAX_ZOOM);
    const after = this.toPlace(px, py);
    this.move(before.x - after.x, before.y - after.y);
  }

  move(dx, dy) {
    const room = 0.5 * (1 - 1 / this.zoom) + EDGE;
    this.x = this.zoom === 1 ? 0.5 : clamp(0.5 - room, this.x + dx, 0.5 + room);
    this.y = this.zoom === 1 ? 0.5 : clamp(0.5 - room, this.y + dy, 0.5 + room);
  }

  /** Bring a place to the middle unless it is visible. */
  show(place) {
    if (!this.holds(place)) this.move(place.x - this.x, place.y - this.y);
  }
}
