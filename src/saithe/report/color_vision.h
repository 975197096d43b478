#pragma once

// How colours look: perceived distance, and the eyes of colour-blind readers. Private to report/.

#include "saithe/report/figure.h"

namespace saithe {

/// CIE 1976 L*a*b* under D65: equal distances look about equally large.
struct Lab {
  double l = 0;
  double a = 0;
  double b = 0;
};

enum class Vision { Normal, Deuteranope, Protanope };

/// The relative luminance of a colour (WCAG 2), 0 to 1.
double luminance(const Color& color);
Lab to_lab(const Color& color);
/// Euclidean (CIE 1976 delta E).
double distance(const Lab& a, const Lab& b);
/// What a dichromat sees. Source: Vienot, Brettel, Mollon 1999,
/// doi:10.1002/(SICI)1520-6378(199908)24:4<243::AID-COL5>3.0.CO;2-3.
Color as_seen_by(Vision vision, const Color& color);

}  // namespace saithe
