"""Class ids of the streets set: CamVid's eleven, so that a net trained on one can be scored on the other."""

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(11)
