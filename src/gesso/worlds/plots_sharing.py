"""Plots about sharing and giving."""

from gesso.worlds.beats import Plot, beat, maybe

SHARING_A_TOY = Plot(
    name="sharing_a_toy",
    theme="sharing",
    things="toy",
    places="outdoors",
    beats=(
        beat(
            "{Elder} gave {him} {an_obj}, and {he} was very proud of it.",
            "{He} had {an_obj}, and it was brand new.",
        ),
        beat(
            "{One} {weather} day, {Hero} took the {obj} {to_place}.",
            "{One} {weather} day, {he} went {to_place} to play with the {noun}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Friend} was there too, but {fhe} had nothing to play with.",
            "There {he} met {Friend}, who had no toys at all.",
        ),
        beat(
            '"What a nice {noun}! May I play with it?" asked {Friend}.',
            '"Can I have a turn with your {obj}?" asked {Friend}.',
        ),
        beat(
            '"No, it is mine," said {Hero}, and {he} held the {noun} tight.',
            '{Hero} shook {his} head. "It is new, and I do not want to share," {he} said.',
        ),
        beat(
            "{Friend} walked away and sat down all alone.",
            "{Friend} looked at the ground and went to sit under a tree.",
        ),
        beat(
            "{Hero} played with the {obj}, but it was not much fun.",
            "So {Hero} played alone, and soon {he} was bored.",
        ),
        beat(
            "{He} looked at {Friend} and felt bad.",
            "Then {he} saw that {Friend} was sad, and {he} felt sad too.",
        ),
        beat(
            "{He} thought about it, and then {he} walked over to {Friend}.",
            "{Hero} took a deep breath and went to {Friend}.",
        ),
        beat(
            '"I am sorry," said {Hero}. "Do you want to play with my {noun}?"',
            '"Here, you can have a turn," said {Hero}, and {he} held out the {obj}.',
        ),
        beat(
            '"Really? Thank you!" said {Friend} with a big smile.',
            "{Friend} jumped up, and {fhis} eyes were bright again.",
        ),
        beat(
            "They played with the {obj} {at_place} and laughed all day.",
            "They took turns, and the {noun} was twice as much fun.",
        ),
        beat(
            "Now {Hero} knew that toys are more fun when you share.",
            '"Sharing is fun," said {Hero}, and {Friend} nodded.',
        ),
    ),
)

PICNIC = Plot(
    name="picnic",
    theme="a picnic",
    things="food",
    places="outdoors",
    beats=(
        beat(
            "{One} {weather} day, {Hero} and {his} friend {Friend} wanted to have a picnic.",
            '"Let us have a picnic!" said {Hero} to {his} friend {Friend} {one} {weather} day.',
        ),
        beat(
            "{Elder} packed a basket for them. In it was {an_obj}.",
            "{Hero} asked {Elder} for something nice to eat and got {an_obj}.",
        ),
        beat(
            "They carried everything {to_place} and sat down in the grass.",
            "They walked {to_place} and found a good spot to sit.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} put the {obj} on a plate, and it looked so good.",
            '"I cannot wait to eat the {noun}," said {Friend}.',
        ),
        beat(
            "Just then, they saw a tiny ant. It was looking at the {noun}.",
            "Then a little bird hopped closer and closer to the {noun}.",
        ),
        beat(
            '"Go away! This is our {noun}," said {Friend}.',
            '"Oh no, it wants our {noun}!" said {Friend}.',
        ),
        beat(
            '"Wait," said {Hero}. "I think our little guest is hungry."',
            'But {Hero} smiled. "Look how thin and hungry our little guest is," {he} said.',
        ),
        beat(
            "{Hero} broke off a small piece and put it in the grass.",
            "{He} took a small bit of the {obj} and put it down.",
        ),
        beat(
            "The little guest took it and hurried away.",
            "The little guest ate every bit and then was gone.",
        ),
        beat(
            "Soon it came back, and it was not alone. It had brought its whole family!",
            "After a while, it came back with all its friends.",
        ),
        beat(
            '{Friend} laughed out loud. "Now it is a real party!" {fhe} said.',
            '"There is enough for everyone," said {Friend}, and {fhe} shared {fhis} part too.',
        ),
        beat(
            "They all ate the {noun} together {at_place}.",
            "So everyone had a bite of the {obj}, big and small.",
        ),
        maybe("When the plate was empty, they lay in the grass and looked at the sky."),
        beat(
            '"That was the best picnic ever," said {Friend}.',
            '"A picnic is best with many guests," said {Hero}.',
        ),
    ),
)

GIFT = Plot(
    name="gift",
    theme="a special gift",
    things="gift",
    places="town",
    beats=(
        beat(
            "Soon it would be the birthday of {his} friend {Friend}.",
            "{His} friend {Friend} had a birthday, and {Hero} wanted to find a gift.",
        ),
        beat(
            '"What would {Friend} like best?" {he} asked {Elder}.',
            '"I want to give {Friend} something special," {he} told {Elder}.',
        ),
        beat(
            "{One} {weather} day, {Hero} went {to_place} and looked around.",
            "So, {one} {weather} day, {he} went {to_place} with {Elder}.",
        ),
        maybe("{Sky}"),
        beat(
            "There {he} saw {an_obj}. It was perfect!",
            "On a little table was {an_obj}, and {he} loved it at once.",
        ),
        beat(
            "But {Hero} had only two small coins, and that was not enough.",
            '"How much is the {noun}?" asked {Hero}. But {he} did not have enough money.',
        ),
        beat(
            '"You can help me today," said the old man who sold it. "Then the {noun} is yours."',
            '"If you help me clean up, you can have it," said the old woman who sold it.',
        ),
        beat(
            "So {Hero} worked hard. {He} swept the floor and carried boxes.",
            "{Hero} washed the windows and put everything in its place.",
        ),
        maybe("It was not easy, but {he} did not stop.", "{He} sang while {he} worked."),
        beat(
            "In the evening, {he} got the {obj} with a big bow on it.",
            '"Well done!" the seller said, and gave {him} the {obj}.',
        ),
        beat(
            "{Hero} ran to {Friend} as fast as {he} could.",
            "{Hero} carried the {noun} to {Friend} with great care.",
        ),
        beat(
            '"Happy birthday! This is for you," said {Hero}.',
            '"I have something for you," {he} said, and {he} held out the gift.',
        ),
        beat(
            '{Friend} opened it. "{An_obj}! How did you know?" {fhe} asked.',
            '"Oh, {an_obj}! I love it!" shouted {Friend}.',
        ),
        beat(
            "{Hero} told {fhim} about the work {at_place}, and {Friend} gave {him} a hug.",
            '"It is the best gift, because you worked for it," said {Friend}.',
        ),
    ),
)

COLD_FRIEND = Plot(
    name="cold_friend",
    theme="keeping a friend warm",
    things="warm",
    places="snow",
    weather="snow",
    beats=(
        beat(
            "{Elder} had made {him} {an_obj} for the winter.",
            "{He} had {an_obj}, and it kept {him} warm all winter.",
        ),
        beat(
            "{One} {weather} day, {Hero} took the {noun} and went {to_place}.",
            "{One} {weather} day, {he} went {to_place} with {his} {obj}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} made big steps in the snow and caught snowflakes on {his} tongue.",
            "{He} threw snow into the air and laughed.",
        ),
        beat(
            "Then {he} saw {Friend}, who was sitting on a log and shaking.",
            "Then {he} met {Friend}, who had no coat and was very cold.",
        ),
        beat(
            '"Why are you out here in the cold?" asked {Hero}.',
            '"{Friend}, you look so cold! What happened?" asked {Hero}.',
        ),
        beat(
            '"I fell into the deep snow, and now I am all wet," said {Friend}.',
            '"I lost my coat, and I cannot get warm," said {Friend}.',
        ),
        beat(
            "{Hero} looked at {his} {obj}. It was so warm, and the wind was so cold.",
            "{Hero} did not think for long. {He} held out the {noun}.",
        ),
        beat(
            '"Here, take my {noun}," said {Hero}, and {he} put it around {Friend}.',
            '"You need the {obj} more than I do," {he} said.',
        ),
        beat(
            '"But now you will be cold," said {Friend}.',
            '{Friend} stopped shaking. "But what about you?" {fhe} asked.',
        ),
        beat(
            '"Then let us share it," said {Hero}, and they both got under the {noun}.',
            '"It is big enough for two," said {Hero}, and they sat close together.',
        ),
        beat(
            "So they walked home through the snow, four feet under one {noun}.",
            "Under the {obj}, they walked home step by step.",
        ),
        beat(
            "{Elder} made hot chocolate for them both.",
            "At home, {Elder} gave them hot soup next to the fire.",
        ),
        beat(
            '"A good friend is the warmest thing of all," said {Friend}.',
            '"Thank you, {Hero}. You are as warm as the {noun}," said {Friend}, and they laughed.',
        ),
    ),
)

MISSING_SNACK = Plot(
    name="missing_snack",
    theme="a missing snack",
    things="crumbs",
    places="home",
    beats=(
        beat(
            "{One} {weather} day, {Elder} gave {him} {an_obj}.",
            "{One} {weather} day, {Hero} got {an_obj} from {Elder}.",
        ),
        beat(
            "{Hero} put the {noun} on a plate {at_place} and went to wash {his} {hand}s.",
            "{He} left the {obj} on a plate {at_place} and went to call {his} friend {Friend}.",
        ),
        beat(
            "When {he} came back, the plate was empty!",
            "But when {he} came back, the {noun} was gone!",
        ),
        beat(
            '"Who took my {noun}?" asked {Hero}.',
            '"My {obj} is gone! Who took it?" cried {Hero}.',
        ),
        beat(
            '"It was not me," said {Friend}. "But I will help you find out."',
            '{Friend} came in and looked at the plate. "This is a mystery," {fhe} said.',
        ),
        beat(
            "They looked at the floor and saw a line of little crumbs.",
            '"Look, there are crumbs on the floor!" said {Friend}.',
        ),
        beat(
            "The two friends followed the crumbs on tiptoe.",
            "Step by step, they followed the crumbs.",
        ),
        maybe("They went past the chair and under the table.", '"Be very quiet," said {Hero}.'),
        beat(
            "The crumbs went all the way to a tiny hole in the wall.",
            "The crumbs stopped in front of a tiny hole.",
        ),
        beat(
            "Inside sat a baby bug with a very round belly.",
            "In the hole sat a little beetle, and next to it was a piece of the {noun}.",
        ),
        beat(
            '"I am sorry," it said. "I was so hungry."',
            '"Please do not be angry," it said. "I had nothing to eat."',
        ),
        beat(
            '{Hero} was not angry anymore. "You only had to ask," {he} said.',
            '"Next time, just ask me, and I will share," said {Hero}.',
        ),
        beat(
            "Then {Elder} brought one more {noun}, and they cut it into three parts.",
            "{Elder} laughed and brought a new {noun} that was big enough for all of them.",
        ),
        beat(
            "They sat {at_place} and ate together, and it tasted even better than before.",
            "{Hero}, {Friend} and their tiny new friend ate until they were full.",
        ),
    ),
)

UMBRELLA_FOR_TWO = Plot(
    name="umbrella_for_two",
    theme="an umbrella in the rain",
    things="rain",
    places="outdoors",
    weather="rain",
    beats=(
        beat(
            "{One} {weather} day, {Elder} gave {him} {an_obj}.",
            "{One} {weather} day, {Hero} took {his} {obj} and went out.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} jumped from puddle to puddle all the way {to_place}.",
            "With the {noun} over {his} head, {he} walked {to_place}.",
        ),
        beat(
            "Drip, drop, went the rain, but {Hero} stayed dry.",
            "The rain fell on the {obj} and made a funny sound.",
        ),
        beat(
            "Then {he} saw a wet little frog under a leaf.",
            "Under a leaf sat a snail who looked sad.",
        ),
        beat(
            '"My leaf has a hole," it said. "May I come under your {noun}?"',
            '"The rain is too loud for me," it said. "Is there room for me?"',
        ),
        beat(
            '"Yes, there is room," said {Hero}.',
            '"Come here," said {Hero}, and {he} held the {obj} a bit lower.',
        ),
        beat(
            "Next, they met {Friend}, who was wet from head to toe.",
            "A little later, {Friend} came running through the rain.",
        ),
        beat(
            '"Is there room for me too?" asked {Friend}.',
            '"May I come under there with you?" asked {Friend}.',
        ),
        beat(
            '"There is always room for a friend," said {Hero}.',
            '{Hero} moved over and smiled. "Of course there is!" {he} said.',
        ),
        beat(
            "Now there were three of them under the {obj}, and it was very cozy.",
            "They stood close together under the {noun} and told funny stories.",
        ),
        beat(
            "They sang a rain song until the rain was over.",
            "They counted the drops until the rain stopped.",
        ),
        beat(
            "Then the sun came out, and they saw a rainbow over {place}.",
            "When {Hero} closed the {noun}, there was a big rainbow in the sky.",
        ),
        beat(
            '"I like rainy weather now," said {Friend}.',
            '"Rain is not so bad when you share the {noun}," said {Friend}.',
        ),
    ),
)

PLOTS_SHARING = (SHARING_A_TOY, PICNIC, GIFT, COLD_FRIEND, MISSING_SNACK, UMBRELLA_FOR_TWO)
