// Draws the world once, at build time: Natural Earth's countries (public domain) in d3-geo's natural earth projection.
// Each shape carries the country's ISO 3166-1 alpha-2 code; countries too small for a shape of their own are dots.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { geoCentroid, geoNaturalEarth1, geoPath } from "d3-geo";
import { iso31661NumericToAlpha2 } from "iso-3166";
import { feature } from "topojson-client";

const WIDTH = 1000;
const HEIGHT = 474;
const DOT_RADIUS = 2.4;

// Shapes without a numeric code in Natural Earth, as the geographic files of addresses name them.
const CODES_BY_NAME = { Kosovo: "XK", "N. Cyprus": "CY", Somaliland: "SO" };
// No country's people live there, and it would take a fifth of the picture.
const LEFT_OUT = new Set(["AQ"]);

export function world() {
  const shapes = countries("110m");
  const projection = geoNaturalEarth1().fitExtent([[1, 1], [WIDTH - 1, HEIGHT - 1]], {
    type: "FeatureCollection",
    features: shapes.map(([, shape]) => shape),
  });
  const path = geoPath(projection).digits(1);
  const drawn = new Set(shapes.map(([code]) => code));
  const parts = shapes.map(([code, shape]) => {
    const [x, y] = round(path.centroid(largestPart(shape)));
    return `<path ${named(code)} data-x="${x}" data-y="${y}" d="${path(shape)}"/>`;
  });
  for (const [code, shape] of countries("50m")) {
    if (!code || drawn.has(code)) continue;
    drawn.add(code);
    const [x, y] = round(projection(geoCentroid(largestPart(shape))));
    parts.push(`<circle ${named(code)} data-x="${x}" data-y="${y}" cx="${x}" cy="${y}" r="${DOT_RADIUS}"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">${parts.join("")}</svg>\n`;
}

function countries(scale) {
  const file = createRequire(import.meta.url).resolve(`world-atlas/countries-${scale}.json`);
  const topology = JSON.parse(readFileSync(file, "utf8"));
  return feature(topology, topology.objects.countries).features
    .map((shape) => [iso31661NumericToAlpha2[shape.id] ?? CODES_BY_NAME[shape.properties.name] ?? "", shape])
    .filter(([code]) => !LEFT_OUT.has(code));
}

function named(code) {
  return code ? `data-country="${code}"` : "";
}

// France's centre lies in France, not between Brittany and Guiana.
function largestPart({ geometry }) {
  if (geometry.type !== "MultiPolygon") return geometry;
  const size = (polygon) => geoPath().area({ type: "Polygon", coordinates: polygon });
  const largest = geometry.coordinates.reduce((best, polygon) => (size(polygon) > size(best) ? polygon : best));
  return { type: "Polygon", coordinates: largest };
}

function round(point) {
  return point.map((number) => Math.round(number * 10) / 10);
}
